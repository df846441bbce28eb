import type {Preferences} from './preferences.ts';
import {isLight} from '../screen/contrast.ts';
import {createTerminalColours, type TerminalColours} from '../screen/sgr.ts';
import type {Colour, Depth} from '../screen/style.ts';
import {paletteOf} from './colours.ts';

export interface Theme {
	/** As many as the terminal has, or fewer if the theme says so. */
	readonly colours: TerminalColours;
	/** Whether to ask the terminal for its background: the theme depends on it, and the terminal understands the question. */
	readonly asks: boolean;
	/** Sets the terminal's background. True if this changed the colours, so that everything must be redrawn. */
	setBackground(colour: Colour): boolean;
}

/** The colours that the human chose, for the background that the environment suggests. */
export function chooseTheme(
	{theme, colours, tags}: Pick<Preferences, 'theme' | 'colours' | 'tags'>,
	has: Depth,
	env: NodeJS.ProcessEnv,
): Theme {
	let light = theme === 'light' || (theme !== 'dark' && hintsAtLight(env));
	const palette = () => paletteOf({light, strong: theme === 'high-contrast', own: colours, tags});
	const depth = theme === '16-colours' ? (Math.min(has, 4) as Depth) : has;
	const ofTerminal = createTerminalColours(depth, palette());
	const fits = theme !== 'dark' && theme !== 'light' && has > 1;
	return {
		colours: ofTerminal,
		// The Linux console would print the question.
		asks: fits && !['linux', 'dumb'].includes(env['TERM'] ?? ''),
		setBackground(colour) {
			if (!fits || isLight(colour) === light) return false;
			light = !light;
			ofTerminal.setPalette(palette());
			return true;
		},
	};
}

/** Reads COLORFGBG, `foreground;background` as numbers of the 16 colours, which rxvt, Konsole and others set. */
function hintsAtLight(env: NodeJS.ProcessEnv): boolean {
	const background = Number(/;(\d+)$/.exec(env['COLORFGBG'] ?? '')?.[1] ?? 0);
	return background === 7 || (background > 8 && background < 16);
}
