import type {ReadStream, WriteStream} from 'node:tty';
import type {Instance} from 'ink';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state.ts';
import {p, writeTo} from '../../printable.ts';
import {createSuspension} from './suspension.ts';
import {editElsewhere as openElsewhere, type Edited} from '../terminal/external-editor.ts';
import {keepCompose} from '../compose/keep.ts';
import {chooseTheme} from '../settings/choose-theme.ts';
import {createScene} from '../app/scene.ts';
import {createController, type ControllerOptions} from '../app/controller.ts';
import {readPreferences, type Preferences} from '../settings/preferences.ts';
import {listen} from '../terminal/listen.ts';
import {keepScreen, type ScreenMemory} from './keep-screen.ts';
import {hasLoadFailure, onArrival, replacedNotice} from '../screen/lazy.ts';
import {createPlatform} from '../terminal/platform.ts';
import {markdown} from '../panes/message-body.ts';
import {fillPanes} from '../panes/look-back.ts';
import {createPaneAdder} from '../model/pane-adder.ts';
import {restored} from '../model/saved-screen.ts';
import {createScreen, type ScreenOutput} from '../screen/screen.ts';
import type {Depth} from '../screen/style.ts';
import {takeTerminal} from '../terminal/terminal.ts';
import {createNotifier} from './notifier.ts';
import {notificationBytes} from '../terminal/notification.ts';
import {notifyDesktop} from '../terminal/desktop.ts';
import {tellReplaced} from '../app/tell-replaced.ts';
import {createUi} from '../model/ui.ts';
import {withoutFetch} from '../terminal/without-fetch.ts';

export {readPreferences} from '../settings/preferences.ts';

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
	/** What the human set; what is usual when absent. */
	readonly preferences?: Preferences;
	/** A sentence to begin with, until the first key. */
	readonly notice?: string;
	/** The folder in which the compose line of this mailbox is kept across restarts; it is not kept when absent. */
	readonly keepIn?: string;
	/** What the screen was like at an earlier start, and where it is kept for the next; absent: it begins anew. */
	readonly memory?: ScreenMemory;
	/** The program's commands in a shell, for the palette; none when absent. */
	readonly commands?: ControllerOptions['commands'];
	/** Called once something stands on the screen; what it says shows there until the mailbox is open. */
	readonly onFirstFrame?: (say: (sentence: string) => void) => void;
}

/** OSC 11: a terminal that knows it answers with its background, whenever it likes: nothing waits for that. */
const backgroundQuestion = p`\u001B]11;?\u001B\\`;

/** Milliseconds between two steps of what counts down, for those who want no motion. */
const calmPace = 10_000;

/**
 * Shows the mailbox until the human quits or something ends us, and gives the terminal back. The first frame is drawn
 * before this returns. Rejects with the MailboxError that kept the mailbox from opening. The store stays the caller's.
 */
export async function startTui(options: TuiOptions): Promise<void> {
	const {store, name, stdin, stdout, env, program, notice, keepIn, memory, onFirstFrame} = options;
	const preferences = options.preferences ?? readPreferences({values: new Map(), placeOf: setting => setting}, env);
	if (preferences.flags['ui.screen_reader']) {
		const {startScreenReader} = await withoutFetch(() => import('../screen-reader/start.tsx'));
		return startScreenReader({...options, preferences});
	}
	const {promise: ended, resolve: quit, reject: fail} = Promise.withResolvers<void>();
	const {flags} = preferences;
	const ui = createUi(sizeOf(stdout), preferences.keymap);
	const saved = memory?.saved ?? null;
	ui.setState({
		mouse: flags['ui.mouse'],
		motion: flags['ui.motion'],
		arrangement: restored(saved),
		...(saved !== null && {recent: saved.recent}),
		notice: notice ?? memory?.notice ?? null,
		...(program && {program}),
	});
	if (saved?.seen) store.remember(saved.seen);
	const theme = chooseTheme(preferences, depthOf(stdout, env), env);
	const screen = createScreen(outputTo(stdout), theme.colours);
	const terminal = takeTerminal(stdin, stdout, {
		onSignal: () => quit(),
		onReturn: () => onResize(),
		steady: !flags['ui.motion'],
	});
	const ask = () => theme.asks && writeTo(stdout, backgroundQuestion);
	terminal.setMode(2031, theme.asks);
	ask();
	const suspension = createSuspension(stdin, screen, terminal);
	const editElsewhere = (text: string): Promise<Edited> =>
		suspension.run(ended => openElsewhere(text, {env, folder: keepIn ?? null, ended}));
	const keeping = keepIn === undefined ? null : keepCompose({store, ui, editElsewhere}, keepIn);
	const controller = createController({
		store,
		ui,
		editElsewhere,
		...(options.commands && {commands: options.commands}),
		platform: createPlatform(env, bytes => writeTo(stdout, bytes), name),
		keeps: keeping !== null,
		redraw: () => screen.reset(),
		suspend: () => terminal.suspend(),
		rowOf: y => screen.row(y),
		quit: () => quit(),
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
		if (suspension.isNow) return;
		if (input.type === 'background') {
			if (theme.setBackground(input.colour)) screen.reset();
		} else if (input.type === 'scheme') {
			ask();
		} else if (input.type === 'focus') {
			notifier.setFocused(input.focused);
		} else {
			controller.input(input);
			fillPanes({store, ui});
			controller.markSeen();
			screen.hurry();
		}
	});
	// The usual mode for clicks and the wheel, and the notation that has no end of columns.
	const tellOfMouse = ({mouse}: {mouse: boolean}) => {
		terminal.setMode(1000, mouse);
		terminal.setMode(1006, mouse);
	};
	tellOfMouse(ui.getState());
	const deafen = ui.subscribe(tellOfMouse);
	const notifies = flags['notify.bell'] || flags['notify.osc'] || flags['notify.desktop'];
	terminal.setMode(1004, notifies);
	const notifier = createNotifier({
		store,
		ui,
		call(sentence) {
			const bell = flags['notify.bell'] ? p`\u0007` : p``;
			const shown = flags['notify.osc'] ? notificationBytes(sentence, env) : p``;
			writeTo(stdout, p`${bell}${shown}`);
			if (flags['notify.desktop']) void notifyDesktop(p`agentmux`, sentence, failure => ui.setState({notice: failure}));
		},
	});
	const arrange = createPaneAdder(ui, saved?.focus ?? null);
	const tell = tellReplaced(ui);
	const onState = (state: State) => {
		tell(state);
		arrange(state);
		fillPanes({store, ui});
		controller.markSeen();
		if (notifies) notifier.look();
		screen.invalidate();
	};
	const unsubscribe = store.subscribe(onState);
	// It may have been read before anybody listened.
	onState(store.getState());
	const stopKeeping = memory === undefined ? null : keepScreen(store, ui, memory);
	// What counts down (leases, retries) moves each second; a frame that changes nothing writes nothing.
	const pace = flags['ui.motion'] ? 1000 : calmPace;
	const clock = setInterval(() => screen.invalidate(), pace);
	// Where motion is unwelcome, the clock itself goes in large steps.
	const now = flags['ui.motion'] ? Date.now : () => Date.now() - (Date.now() % calmPace);
	store.ready.catch(fail);

	const surroundings = {store, ui, screen, name, now};
	screen.show(createScene(surroundings));
	const uninvalidate = ui.subscribe(() => screen.invalidate());
	screen.flush();
	const unwatch = onArrival(() => {
		if (hasLoadFailure()) ui.setState({notice: replacedNotice});
		screen.invalidate();
	});
	let app: Instance | null = null;
	try {
		// The first frame does not wait for React and Ink: they take as long to load as all the rest of the start.
		const {mount} = await withoutFetch(() => import('./mount.tsx'));
		app = mount(surroundings);
		// A fault in a component ends Ink: it is reported as one, on the terminal as it was.
		app.waitUntilExit().then(() => quit(), fail);
		markdown();
		onFirstFrame?.(sentence => ui.setState({opening: sentence}));
		await ended;
	} finally {
		await suspension.end();
		keeping?.stop();
		clearInterval(clock);
		notifier.stop();
		deafen();
		unsubscribe();
		uninvalidate();
		unwatch();
		unlisten();
		screen.stop();
		app?.unmount();
		terminal.restore();
		stdout.off('resize', onResize);
		process.off('SIGWINCH', onWindowChange);
		stdout.off('error', onGone);
		await stopKeeping?.();
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

/** How many colours the terminal has, by what Node knows of TERM, COLORTERM, NO_COLOR and FORCE_COLOR. */
function depthOf(stdout: WriteStream, env: NodeJS.ProcessEnv): Depth {
	if ((env['NO_COLOR'] ?? '') !== '') return 1;
	// Whoever has CI set in a real terminal still sees colours.
	const {CI: _, ...rest} = env;
	return typeof stdout.getColorDepth === 'function' ? (stdout.getColorDepth(rest) as Depth) : 4;
}
