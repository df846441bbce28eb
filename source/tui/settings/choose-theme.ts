import type {Preferences} from './preferences.ts';
import {isLight} from '../screen/contrast.ts';
import {createPalette} from '../screen/palette.ts';
import {usePalette} from '../screen/sgr.ts';
import type {Colour, Depth} from '../screen/style.ts';
import {colourTag} from './theme.ts';

export interface Theme {
	/** How many colours are used: fewer than the terminal has where the theme says so. */
	readonly depth: Depth;
	/** Whether the terminal is to be asked for its background: it matters, and it is one that understands the question. */
	readonly asks: boolean;
	/** The terminal's background is this one. True when colours changed, so that all must be drawn anew. */
	setBackground(colour: Colour): boolean;
}

/** Takes the colours into use that the human chose, for the background that the environment hints at. */
export function chooseTheme(
	{theme, colours, tags}: Pick<Preferences, 'theme' | 'colours' | 'tags'>,
	has: Depth,
	env: NodeJS.ProcessEnv,
): Theme {
	for (const [tag, colour] of tags) colourTag(tag, colour);
	let light = theme === 'light' || (theme !== 'dark' && hintsAtLight(env));
	const use = () => usePalette(createPalette({light, strong: theme === 'high-contrast', own: colours}));
	use();
	const fits = theme !== 'dark' && theme !== 'light' && has > 1;
	return {
		depth: theme === '16-colours' ? (Math.min(has, 4) as Depth) : has,
		// The console of Linux would print the question.
		asks: fits && !['linux', 'dumb'].includes(env['TERM'] ?? ''),
		setBackground(colour) {
			if (!fits || isLight(colour) === light) return false;
			light = !light;
			use();
			return true;
		},
	};
}

/** COLORFGBG, `foreground;background` by numbers of the 16 colours, as rxvt, Konsole and others set it. */
function hintsAtLight(env: NodeJS.ProcessEnv): boolean {
	const background = Number(/;(\d+)$/.exec(env['COLORFGBG'] ?? '')?.[1] ?? 0);
	return background === 7 || (background > 8 && background < 16);
}
