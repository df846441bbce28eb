import type {ReadStream, WriteStream} from 'node:tty';
import {render} from 'ink';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {keepCompose} from '../compose/keep.ts';
import {SurroundingsProvider} from '../view/context.ts';
import {createController} from '../app/controller.ts';
import {followMailbox} from '../app/follow-mailbox.ts';
import type {Preferences} from '../settings/preferences.ts';
import {listen, nothingToRead} from '../terminal/listen.ts';
import {fillPanes} from '../panes/load-shown.ts';
import {takeTerminal} from '../terminal/terminal.ts';
import {createUi} from '../model/ui.ts';
import {ScreenReader} from './reader.tsx';

interface ScreenReaderOptions {
	readonly store: MailboxStore;
	readonly name: string;
	readonly stdin: ReadStream;
	readonly stdout: WriteStream;
	readonly preferences: Preferences;
	readonly program?: string;
	readonly notice?: string;
	readonly keepIn?: string;
	readonly onFirstFrame?: (say: (sentence: string) => void) => void;
}

/** Keys work as on a small screen with one pane. */
const size = {columns: 80, rows: 24};

/** Runs the program for a screen reader: plain lines, no alternate screen, no colours, no boxes. */
export async function startScreenReader({
	store,
	name,
	stdin,
	stdout,
	preferences,
	program,
	notice,
	keepIn,
	onFirstFrame,
}: ScreenReaderOptions): Promise<void> {
	const {promise: ended, resolve: quit, reject: fail} = Promise.withResolvers<void>();
	const ui = createUi(size, preferences.keymap);
	ui.setState({motion: false, ...(program && {program}), ...(notice && {notice})});
	const terminal = takeTerminal(stdin, stdout, {
		onSignal: () => quit(),
		onReturn: () => ui.setState({notice: 'Back from the shell.'}),
		steady: true,
		lines: true,
	});
	const keeping = keepIn === undefined ? null : keepCompose({store, ui, editElsewhere: null}, keepIn);
	const controller = createController({
		store,
		ui,
		redraw: () => {},
		suspend: () => terminal.suspend(),
		rowOf: () => [],
		quit: () => quit(),
	});
	const onGone = () => quit();
	stdout.on('error', onGone);
	const unlisten = listen(stdin, onGone, input => {
		if (input.type === 'text' || input.type === 'key' || input.type === 'paste') controller.input(input);
		fillPanes({store, ui});
		controller.markSeen();
	});
	const unsubscribe = followMailbox({store, ui, controller, focus: null});
	store.ready.catch(fail);
	const app = render(
		<SurroundingsProvider value={{store, ui, screen: null, name, now: Date.now}}>
			<ScreenReader />
		</SurroundingsProvider>,
		{
			stdout,
			stdin: nothingToRead as unknown as NodeJS.ReadStream,
			interactive: true,
			isScreenReaderEnabled: true,
			exitOnCtrlC: false,
			patchConsole: false,
		},
	);
	app.waitUntilExit().then(() => quit(), fail);
	onFirstFrame?.(sentence => ui.setState({opening: sentence}));
	try {
		await ended;
	} finally {
		keeping?.stop();
		unsubscribe();
		unlisten();
		app.unmount();
		terminal.restore();
		stdout.off('error', onGone);
	}
}
