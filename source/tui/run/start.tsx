import type {Tag} from '../../mailbox/tag.ts';
import type {ReadStream, WriteStream} from 'node:tty';
import type {Instance} from 'ink';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import {writeTo} from '../../printable.ts';
import {createController, type ControllerOptions} from '../app/controller.ts';
import {followMailbox} from '../app/follow-mailbox.ts';
import {createScene} from '../app/scene.ts';
import {keepCompose} from '../compose/keep.ts';
import {restored} from '../model/saved-screen.ts';
import {createUi, type Ui, type UiStore} from '../model/ui.ts';
import {fillPanes} from '../panes/load-shown.ts';
import {markdown} from '../panes/message-body.ts';
import {hasLoadFailure, onArrival, replacedNotice} from '../screen/lazy.ts';
import {readPreferences, type Preferences} from '../settings/preferences.ts';
import {editElsewhere as openElsewhere, type Edited} from '../terminal/external-editor.ts';
import {sizeOf} from '../terminal/output.ts';
import {createPlatform} from '../terminal/platform.ts';
import {withoutFetch} from '../terminal/without-fetch.ts';
import {createAlert} from './alert.ts';
import {createClock} from './clock.ts';
import {createDisplay, type Display} from './display.ts';
import {keepScreen, type ScreenMemory} from './keep-screen.ts';
import {createNotifier} from './notifier.ts';

export {readPreferences} from '../settings/preferences.ts';

export interface TuiOptions {
	/** It may still be opening; the first frame says so. */
	readonly store: MailboxStore;
	/** The name of the mailbox, shown after the program's: `local hub`, or that of a project. */
	readonly name: string;
	readonly stdin: ReadStream;
	readonly stdout: WriteStream;
	readonly env: NodeJS.ProcessEnv;
	/** The command that starts this program in a shell; default `agentmux`. */
	readonly program?: string;
	/** By default, those of an empty config.toml. */
	readonly preferences?: Preferences;
	/** A sentence that is shown until the first key. */
	readonly notice?: string;
	/** The folder that keeps the draft and unsent messages across restarts; without it, they are not kept. */
	readonly keepIn?: string;
	/** The arrangement of the last run, and where to keep it for the next; without it, the screen starts with the default. */
	readonly memory?: ScreenMemory;
	/** The commands of the program in a shell, for the palette; default none. */
	readonly commands?: ControllerOptions['commands'];
	/** Keeps a rule that answers requests for permission; without it, the screen offers none. */
	readonly keepRule?: ControllerOptions['keepRule'];
	/** Calls with the agents whose client starts no hooks, by folded tag: once, and when they change. Returns how to stop. */
	readonly watchDisarmed?: (listener: (tags: ReadonlySet<Tag>) => void) => () => void;
	/** Calls with what agents do, by folded tag, whenever it changes. Returns how to stop. */
	readonly watchSights?: (listener: (sights: Ui['sights']) => void) => () => void;
	/** Called after the first frame. What it passes to `say` is shown until the mailbox is open. */
	readonly onFirstFrame?: (say: (sentence: string) => void) => void;
}

/**
 * Shows the mailbox until the human quits or a signal ends the program, and gives the terminal back. The first frame is drawn
 * before this returns. Rejects with the MailboxError that kept the mailbox from opening. The caller still has to close the store.
 */
export async function startTui(options: TuiOptions): Promise<void> {
	const {store, name, stdin, stdout, env, keepIn, memory, onFirstFrame} = options;
	const preferences = options.preferences ?? readPreferences({values: new Map(), placeOf: setting => setting}, env);
	if (preferences.flags['ui.screen_reader']) {
		const {startScreenReader} = await withoutFetch(() => import('../screen-reader/start.tsx'));
		return startScreenReader({...options, preferences});
	}
	const {promise: ended, resolve: quit, reject: fail} = Promise.withResolvers<void>();
	const {flags} = preferences;
	const ui = createStartUi(options, preferences);
	if (memory?.saved?.seen) store.remember(memory.saved.seen);
	const display = createDisplay({
		stdin,
		stdout,
		env,
		preferences,
		onEnd: () => quit(),
		onResize(size) {
			ui.setState(size);
			fillPanes({store, ui});
		},
	});
	const {screen} = display;
	const editElsewhere = (text: string): Promise<Edited> =>
		display.lend(ended => openElsewhere(text, {env, folder: keepIn ?? null, ended}));
	const keeping = keepIn === undefined ? null : keepCompose({store, ui, editElsewhere}, keepIn);
	const controller = createController({
		store,
		ui,
		editElsewhere,
		...(options.commands && {commands: options.commands}),
		keepRule: options.keepRule,
		platform: createPlatform(env, bytes => writeTo(stdout, bytes), name),
		keeps: keeping !== null,
		redraw: () => screen.reset(),
		suspend: () => display.suspend(),
		rowOf: y => screen.row(y),
		quit,
	});
	const alert = createAlert({flags, env, stdout, ui});
	const notifier = alert === null ? null : createNotifier({store, ui, call: alert});
	display.setMode(1004, notifier !== null);
	display.listen(input => {
		if (input.type === 'focus') return notifier?.setFocused(input.focused);
		controller.input(input);
		fillPanes({store, ui});
		controller.markSeen();
		screen.hurry();
	});
	const unsubscribes = [
		followMouseMode(ui, display),
		followMailbox({store, ui, controller, focus: memory?.saved?.focus ?? null}, () => {
			notifier?.look();
			screen.invalidate();
		}),
		ui.subscribe(() => screen.invalidate()),
		onArrival(() => {
			if (hasLoadFailure()) ui.setState({notice: replacedNotice});
			screen.invalidate();
		}),
	];
	const stopKeeping = memory === undefined ? null : keepScreen(store, ui, memory);
	const clock = createClock(flags['ui.motion'], () => screen.tick());
	const surroundings = {store, ui, screen, name, now: clock.now};
	store.ready.catch(fail);
	screen.show(createScene(surroundings));
	screen.flush();
	let app: Instance | null = null;
	const watches: (() => void)[] = [];
	try {
		// The first frame does not wait for React and Ink, which take as long to load as the rest of the start together.
		const {mount} = await withoutFetch(() => import('./mount.tsx'));
		app = mount(surroundings);
		// An error in a component ends Ink; it is reported after the terminal has been given back.
		app.waitUntilExit().then(() => quit(), fail);
		markdown();
		onFirstFrame?.(sentence => ui.setState({opening: sentence}));
		const {watchDisarmed, watchSights} = options;
		if (watchDisarmed !== undefined) watches.push(watchDisarmed(tags => ui.setState({disarmed: tags})));
		if (watchSights !== undefined) watches.push(watchSights(sights => ui.setState({sights})));
		await ended;
	} finally {
		await display.end();
		keeping?.stop();
		clock.stop();
		notifier?.stop();
		for (const unsubscribe of [...unsubscribes, ...watches]) unsubscribe();
		app?.unmount();
		await stopKeeping?.();
	}
}

function createStartUi({stdout, memory, notice, program}: TuiOptions, {flags, keymap}: Preferences): UiStore {
	const ui = createUi(sizeOf(stdout), keymap);
	const saved = memory?.saved ?? null;
	ui.setState({
		mouse: flags['ui.mouse'],
		motion: flags['ui.motion'],
		arrangement: restored(saved),
		...(saved !== null && {recent: saved.recent}),
		notice: notice ?? memory?.notice ?? null,
		...(program && {program}),
	});
	return ui;
}

/** Makes the terminal report the mouse while the human wants that. Returns what ends it. */
function followMouseMode(ui: UiStore, {setMode}: Pick<Display, 'setMode'>): () => void {
	const follow = ({mouse}: {readonly mouse: boolean}): void => {
		// Clicks and the wheel, in the notation that has no maximum of columns.
		setMode(1000, mouse);
		setMode(1006, mouse);
	};
	follow(ui.getState());
	return ui.subscribe(follow);
}
