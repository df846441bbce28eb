import {Box, useStdout} from 'ink';
import {useEffect, useState} from 'react';
import {HUMAN} from '../../mailbox/tag.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import type {MailboxStore} from '../../store/mailbox-store.ts';
import type {State} from '../../store/state/state.ts';
import {composeTag} from '../model/draft.ts';
import {useMailbox, useSurroundings, useUi} from '../view/context.ts';
import {textOf} from '../screen/strip.ts';
import type {Compose} from '../model/ui.ts';
import {counted} from '../settings/words.ts';
import {Text} from '../view/text.tsx';
import {currentLines, messageSentences} from './lines.ts';
import {timelineWords} from './timeline.ts';

/** How many messages are read out at the start, and together later on. */
const atStart = 10;
const atOnce = 50;
/** Milliseconds between two announcements. */
const pace = 300;

/** The program for a screen reader: new messages as lines, followed by the current pane, overlay or draft. */
export function ScreenReader() {
	const {store, now} = useSurroundings();
	const ui = useUi(each => each);
	useAnnouncements();
	const here = (): Printable[] => {
		const state = store.getState();
		if (ui.overlay !== null) {
			const lines = ui.overlay.draw({state, ui, now: now()})?.lines ?? [];
			return lines.map(({strip}) => textOf(strip).trim());
		}
		if (ui.mode === 'compose') return [];
		return ui.timeline === null ? currentLines(state, ui, now()) : timelineWords(store, ui.timeline, ui.keymap, now());
	};
	useMailbox(() => here().join('\n'));
	useHistory();
	const state = store.getState();
	return (
		<Box flexDirection="column">
			{here().map((line, index) => (
				<Text key={index}>{line}</Text>
			))}
			{ui.notice !== null && <Text>{printable(ui.notice)}</Text>}
			{ui.mode === 'compose' && ui.overlay === null && <ComposeLines state={state} compose={ui.compose} />}
			{ui.mode === 'read' && ui.overlay === null && ui.timeline === null && (
				<Text>{p`${ui.keymap.keyFor('compose')} to write, ${ui.keymap.keyFor('help')} for all keys`}</Text>
			)}
		</Box>
	);
}

/** The draft with its tag; the cursor is at the end of the text. */
function ComposeLines({state, compose}: {readonly state: State; readonly compose: Compose}) {
	const tag = composeTag(state, compose);
	const me = state.identity?.tag ?? HUMAN;
	const by = tag === me ? '' : p` by ${printable(me)}`;
	const answer = compose.reply === null ? '' : p`, reply to ${compose.reply.id} by ${printable(compose.reply.tag)}`;
	const {text, cursor} = compose.editor;
	const behind = text.slice(cursor);
	return (
		<>
			{compose.error !== null && <Text>{p`Not sent: ${printable(compose.error)}`}</Text>}
			<Text>{p`Message as ${printable(tag)}${by}${answer}: ${joinPrintable(text.split('\n').map(printable), '\n')}`}</Text>
			{behind !== '' && <Text>{p`Cursor before: ${printable(behind.slice(0, 200))}`}</Text>}
		</>
	);
}

/** Renders again when more of the history was loaded. */
function useHistory(): void {
	const {store} = useSurroundings();
	const [, render] = useState(0);
	useEffect(() => store.history.subscribe(() => render(count => count + 1)), [store]);
}

function useAnnouncements(): void {
	const {store, now} = useSurroundings();
	const {write} = useStdout();
	useEffect(() => announce(store, write, now), [store, write, now]);
}

/** Writes each message once, in order, above the rest, until the returned function is called. */
function announce(store: MailboxStore, write: (text: Printable) => void, now: () => number): () => void {
	let lastRead = 0;
	let begun = false;
	let timer: NodeJS.Timeout | undefined;
	const readOut = () => {
		timer = undefined;
		const state = store.getState();
		if (!state.loaded) return;
		let from = state.messages.length;
		while (from > 0 && (state.messages[from - 1]?.id ?? 0) > lastRead) from--;
		const fresh = state.messages.slice(from);
		if (fresh.length === 0) return;
		lastRead = fresh.at(-1)?.id ?? lastRead;
		const maxRead = begun ? atOnce : atStart;
		begun = true;
		const over = fresh.length - maxRead;
		const lines = fresh.slice(-maxRead).flatMap(message => messageSentences(state, message, now()));
		if (over > 0) lines.unshift(p`${counted(over, 'earlier message')} not read out.`);
		write(p`${joinPrintable(lines, '\n')}\n`);
	};
	const onChange = () => {
		timer ??= setTimeout(readOut, pace);
	};
	const unsubscribe = store.subscribe(onChange);
	onChange();
	return () => {
		clearTimeout(timer);
		unsubscribe();
	};
}
