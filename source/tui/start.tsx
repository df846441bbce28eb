import type {ReadStream, WriteStream} from 'node:tty';
import {render} from 'ink';
import type {MailboxStore} from '../store/mailbox-store.ts';
import {App} from './app.tsx';
import {createAway} from './away.ts';
import {editElsewhere as openElsewhere, type Edited} from './compose/external-editor.ts';
import {keepCompose} from './compose/keep.ts';
import {SurroundingsProvider} from './context.ts';
import {createController} from './controller.ts';
import {createKeyboard, type Input} from './keyboard.ts';
import {onArrival} from './late.ts';
import {createOutside} from './outside.ts';
import {markdown} from './panes/message-body.ts';
import {fillPanes} from './look-back.ts';
import {placer} from './placer.ts';
import {createScreen, type ScreenOutput} from './screen/screen.ts';
import type {Depth} from './screen/style.ts';
import {takeTerminal} from './screen/terminal.ts';
import {createUi} from './ui.ts';

export interface TuiOptions {
	/** May still be opening: the first frame says so. */
	readonly store: MailboxStore;
	/** What stands beside the program's name: `local hub`, or a project. */
	readonly name: string;
	readonly stdin: ReadStream;
	readonly stdout: WriteStream;
	readonly env: NodeJS.ProcessEnv;
	/** How the human calls this program in a shell; `agentmux` when absent. */
	readonly program?: string;
	/** The folder in which the compose line of this mailbox is kept across restarts; it is not kept when absent. */
	readonly keepIn?: string;
	/** Called once something stands on the screen; what it says shows there until the mailbox is open. */
	readonly onFirstFrame?: (say: (sentence: string) => void) => void;
}

/** Milliseconds after which a lone ESC was the key, and not the beginning of a sequence. */
const escapeDelay = 25;

/**
 * Shows the mailbox until the human quits or something ends us, and gives the terminal back. The first frame is drawn
 * before this returns. Rejects with the MailboxError that kept the mailbox from opening. The store stays the caller's.
 */
export async function startTui(options: TuiOptions): Promise<void> {
	const {store, name, stdin, stdout, env, program, keepIn, onFirstFrame} = options;
	const {promise: ended, resolve: quit, reject: fail} = Promise.withResolvers<void>();
	const ui = createUi(sizeOf(stdout));
	if (program !== undefined) ui.setState({program});
	const screen = createScreen(outputTo(stdout), depthOf(stdout, env));
	const terminal = takeTerminal(stdin, stdout, {onSignal: () => quit(), onReturn: () => screen.reset()});
	const away = createAway(stdin, screen, terminal);
	const editElsewhere = (text: string): Promise<Edited> =>
		away.run(ended => openElsewhere(text, {env, folder: keepIn ?? null, ended}));
	const keeping = keepIn === undefined ? null : keepCompose({store, ui, editElsewhere}, keepIn);
	const controller = createController({
		store,
		ui,
		editElsewhere,
		outside: createOutside(env, bytes => stdout.write(bytes), name),
		redraw: () => screen.reset(),
		quit: () => quit(),
		keeps: keeping !== null,
	});

	const onResize = () => {
		ui.setState(sizeOf(stdout));
		fillPanes({store, ui});
		screen.reset();
	};
	// A size that changes back before it is looked at is no `resize` for Node, and yet the terminal has moved what stood there.
	const onWindowChange = () => setImmediate(onResize);
	// A terminal that is gone (SIGHUP, a closed window) refuses to be written to.
	const onGone = () => quit();
	stdout.on('resize', onResize);
	process.on('SIGWINCH', onWindowChange);
	stdout.on('error', onGone);
	const unlisten = listen(stdin, onGone, input => {
		if (away.isNow) return;
		controller.input(input);
		fillPanes({store, ui});
		controller.markSeen();
		screen.hurry();
	});
	const arrange = placer(ui);
	const unsubscribe = store.subscribe(state => {
		arrange(state);
		fillPanes({store, ui});
		controller.markSeen();
		screen.invalidate();
	});
	// What counts down (leases, retries) moves each second; a frame that changes nothing writes nothing.
	const clock = setInterval(() => screen.invalidate(), 1000);
	store.ready.catch(fail);

	const app = render(
		<SurroundingsProvider value={{store, ui, screen, name, now: Date.now}}>
			<App />
		</SurroundingsProvider>,
		{
			// The screen has what Ink uses of a stream; the frame goes to it whole, at each commit.
			stdout: screen as unknown as NodeJS.WriteStream,
			stdin: nothingToRead as unknown as NodeJS.ReadStream,
			debug: true,
			interactive: true,
			exitOnCtrlC: false,
			patchConsole: false,
		},
	);
	// A fault in a component ends Ink: it is reported as one, on the terminal as it was.
	app.waitUntilExit().then(() => quit(), fail);
	screen.flush();
	const unwatch = onArrival(() => screen.invalidate());
	markdown();
	onFirstFrame?.(sentence => {
		ui.setState({opening: sentence});
		screen.invalidate();
	});
	try {
		await ended;
	} finally {
		await away.end();
		keeping?.stop();
		clearInterval(clock);
		unsubscribe();
		unwatch();
		unlisten();
		screen.stop();
		app.unmount();
		terminal.restore();
		stdout.off('resize', onResize);
		process.off('SIGWINCH', onWindowChange);
		stdout.off('error', onGone);
	}
}

/** A terminal that does not know its size says 0. */
function sizeOf({columns, rows}: WriteStream): {columns: number; rows: number} {
	return {columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24};
}

function outputTo(stdout: WriteStream): ScreenOutput {
	return {
		get columns() {
			return sizeOf(stdout).columns;
		},
		get rows() {
			return sizeOf(stdout).rows;
		},
		get writableNeedDrain() {
			return stdout.writableNeedDrain;
		},
		write: bytes => stdout.write(bytes),
		once: (event, listener) => stdout.once(event, listener),
	};
}

/** Keys are read by ourselves (keyboard.ts): Ink would hand on what was typed fast as one string. */
const nothingToRead = {
	isTTY: false,
	setEncoding() {},
	on() {},
	off() {},
	addListener() {},
	removeListener() {},
	read: () => null,
};

/** `onGone`: the terminal that was typed at has ended. Another stdin that ends only means that nobody types. */
function listen(stdin: ReadStream, onGone: () => void, onInput: (input: Input) => void): () => void {
	const keyboard = createKeyboard();
	let timer: NodeJS.Timeout | undefined;
	const release = () => keyboard.release().forEach(onInput);
	const onData = (chunk: string) => {
		clearTimeout(timer);
		for (const input of keyboard.push(chunk)) onInput(input);
		if (keyboard.waits) timer = setTimeout(release, escapeDelay);
	};
	const onEnd = () => {
		if (stdin.isTTY) onGone();
	};
	stdin.setEncoding('utf8');
	stdin.on('data', onData);
	stdin.on('end', onEnd);
	stdin.on('error', onEnd);
	return () => {
		clearTimeout(timer);
		stdin.off('data', onData);
		stdin.off('end', onEnd);
		stdin.pause();
	};
}

/** How many colours the terminal has, by what Node knows of TERM, COLORTERM, NO_COLOR and FORCE_COLOR. */
function depthOf(stdout: WriteStream, env: NodeJS.ProcessEnv): Depth {
	if ((env['NO_COLOR'] ?? '') !== '') return 1;
	// Whoever has CI set in a real terminal still sees colours.
	const {CI: _, ...rest} = env;
	return typeof stdout.getColorDepth === 'function' ? (stdout.getColorDepth(rest) as Depth) : 4;
}
