import type {ReadStream, WriteStream} from 'node:tty';
import {p, writeTo} from '../../printable.ts';
import {createScreen, type Screen} from '../screen/screen.ts';
import {chooseTheme} from '../settings/choose-theme.ts';
import type {Preferences} from '../settings/preferences.ts';
import type {Input} from '../terminal/keyboard.ts';
import {listen} from '../terminal/listen.ts';
import {depthOf, outputTo, sizeOf, watchSize, type Size} from '../terminal/output.ts';
import type {Report} from '../terminal/report.ts';
import {takeTerminal, type Terminal} from '../terminal/terminal.ts';
import {createSuspension} from './suspension.ts';

/** What the program is told by the terminal, except for what concerns the display alone. */
type DisplayInput = Exclude<Input | Report, {type: 'background' | 'scheme'}>;

/** The terminal while it is ours: the screen that is drawn on it, and what is typed at it. */
export interface Display {
	readonly screen: Screen;
	readonly setMode: Terminal['setMode'];
	/** Stops the program, as ^Z does. */
	suspend(): void;
	/** Lends the terminal to another program while `work` runs. `ended` tells `work` to finish, because ours ends. */
	lend<T>(work: (ended: AbortSignal) => Promise<T>): Promise<T>;
	listen(onInput: (input: DisplayInput) => void): void;
	/** Gives the terminal back as it was, after whatever it is lent to has ended. */
	end(): Promise<void>;
}

interface DisplayOptions {
	readonly stdin: ReadStream;
	readonly stdout: WriteStream;
	readonly env: NodeJS.ProcessEnv;
	readonly preferences: Preferences;
	/** Called when a signal asks the program to end, or the terminal is gone. */
	readonly onEnd: () => void;
	/** Called when the size may have changed, before everything is redrawn. */
	readonly onResize: (size: Size) => void;
}

/** OSC 11: asks the terminal for its background. The answer may come at any time, or never; nothing waits for it. */
const backgroundQuestion = p`\u001B]11;?\u001B\\`;

/** Takes the terminal over. */
export function createDisplay({stdin, stdout, env, preferences, onEnd, onResize}: DisplayOptions): Display {
	const theme = chooseTheme(preferences, depthOf(stdout, env), env);
	const screen = createScreen(outputTo(stdout), theme.colours);
	const resize = (): void => {
		onResize(sizeOf(stdout));
		screen.reset();
	};
	const terminal = takeTerminal(stdin, stdout, {
		onSignal: onEnd,
		onReturn: resize,
		steady: !preferences.flags['ui.motion'],
	});
	const suspension = createSuspension(stdin, screen, terminal);
	const unwatch = watchSize(stdout, resize);
	// Writing to a terminal that is gone (SIGHUP, a closed window) fails.
	stdout.on('error', onEnd);
	// The terminal reports a change of its colour scheme, but not to which colours.
	const askForBackground = () => theme.asks && writeTo(stdout, backgroundQuestion);
	terminal.setMode(2031, theme.asks);
	askForBackground();
	let unlisten = (): void => {};

	return {
		screen,
		setMode: (mode, on) => terminal.setMode(mode, on),
		suspend: () => terminal.suspend(),
		lend: work => suspension.run(work),
		listen(onInput) {
			unlisten = listen(stdin, onEnd, input => {
				if (suspension.isNow) return;
				if (input.type === 'scheme') askForBackground();
				else if (input.type !== 'background') onInput(input);
				else if (theme.setBackground(input.colour)) screen.reset();
			});
		},
		async end() {
			await suspension.end();
			unlisten();
			unwatch();
			screen.stop();
			terminal.restore();
			stdout.off('error', onEnd);
		},
	};
}
