import {Box} from 'ink';
import {useLayoutEffect} from 'react';
import {HUMAN, sameTag} from '../../mailbox/tag.ts';
import {printable} from '../../printable.ts';
import type {State} from '../../store/state.ts';
import {useMailbox, useSurroundings, useUi} from '../context.ts';
import {keyFor} from '../keymap.ts';
import type {Rect} from '../screen/grid.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {onTint, Spans} from '../spans.tsx';
import {tagChip, tagStrong, tagStyle, theme} from '../theme.ts';
import {hasDraft, type Compose} from '../ui.ts';
import {presenceWords} from '../words.ts';
import {composeTag} from './draft.ts';
import {draftView} from './draft-view.ts';
import {offersFor} from './offers.ts';
import {prospectOf, type Prospect} from './prospect.ts';
import type {SentSearch} from './sent.ts';

/** The line where the human writes: who as, to whom, the text. */
export function ComposeLine({rect}: {readonly rect: Rect}) {
	const {screen, store, now} = useSurroundings();
	const compose = useUi(ui => ui.compose);
	const mode = useUi(ui => ui.mode);
	const overlay = useUi(ui => ui.overlay);
	useMailbox(each => fingerprint(each, now()));
	const state = store.getState();

	const {search} = compose;
	const editor = search?.shown ?? compose.editor;
	const chip = chipOf(state, compose);
	const chipWidth = chip.reduce((width, {text}) => width + textWidth(text), 0);
	const room = rect.width - chipWidth - textWidth(editor.text.slice(0, 400)) - 2;
	const prospect = search === null ? prospectOf(state, compose, now()) : searchProspect(search);
	const remark =
		compose.error === null ? fittingIn(room, prospect) : {text: printable(compose.error), style: theme.bad};
	const remarkWidth = remark === null ? 0 : textWidth(remark.text) + 2;
	// The draft keeps at least half of the line where an error must be said.
	const errorWidth = compose.error === null ? remarkWidth : Math.min(remarkWidth, Math.floor(rect.width / 2));
	const view = draftView(editor, rect.width - chipWidth - errorWidth - 1, rect.height);
	const writing = mode === 'compose' && overlay === null;
	const cursorX = rect.x + chipWidth + view.cursor.column;
	const cursorY = rect.y + view.cursor.line;

	useLayoutEffect(() => {
		screen?.setCursor(writing ? {x: cursorX, y: cursorY} : null);
	}, [screen, writing, cursorX, cursorY]);

	const isEmpty = mode === 'read' && !hasDraft(compose);
	return (
		<Box position="absolute" left={rect.x} top={rect.y} width={rect.width} height={rect.height}>
			<Box width={chipWidth} flexShrink={0}>
				<Spans line={chip} />
			</Box>
			<Box flexDirection="column" flexGrow={1} height={rect.height}>
				{isEmpty ? (
					<Spans line={[{text: invitation(), style: theme.faint}]} />
				) : (
					view.lines.map((line, index) => <Spans key={index} line={coloured(line, mode === 'read')} />)
				)}
			</Box>
			{remark !== null && errorWidth > 0 && (
				<Box width={errorWidth} flexShrink={0} justifyContent="flex-end" paddingRight={1}>
					<Spans line={[remark]} />
				</Box>
			)}
		</Box>
	);
}

/** How one begins to write; nothing where no key does. */
function invitation(): string {
	const key = keyFor('compose');
	return key === '' ? ' ' : `press ${key} to write`;
}

/** ` HUMAN  → ` or ` CLAUDE_1  by HUMAN → `: the tag as a chip, and who really writes. */
function chipOf(state: State, compose: Compose): Span[] {
	const tag = composeTag(state, compose);
	const me = state.identity?.tag ?? HUMAN;
	const spans: Span[] = [
		{text: ' ', style: theme.text},
		{text: ` ${printable(tag)} `, style: tagChip(tag)},
	];
	if (!sameTag(tag, me)) spans.push({text: ' by ', style: theme.grey}, {text: printable(me), style: tagStyle(me)});
	if (compose.reply !== null) spans.push({text: ` ↳ #${compose.reply.id}`, style: theme.task});
	if (compose.search !== null) {
		const {typed, failing} = compose.search;
		// The end of what was typed, where it is long.
		const words = printable(Array.from(typed).slice(-20).join(''));
		spans.push({text: ' sent with ', style: theme.grey}, {text: words, style: failing ? theme.bad : theme.strong});
	}
	spans.push({text: ' → ', style: theme.grey});
	return spans;
}

function searchProspect({failing, typed}: SentSearch): Prospect {
	if (failing) return {wordings: ['nothing older has that'], style: theme.warn};
	const keys = [`${keyFor('panel_take')} takes it`, `${keyFor('search_sent')} older`, `${keyFor('panel_close')} back`];
	return {wordings: [typed === '' ? 'type what it holds' : keys.join('  ')], style: theme.grey};
}

/** The longest way of saying it that has room: the draft keeps its line, and what is no error gives way to it altogether. */
function fittingIn(room: number, prospect: Prospect | null): Span | null {
	const text = prospect?.wordings.find(wording => textWidth(wording) + 2 <= room);
	return text === undefined || prospect === null ? null : {text, style: prospect.style};
}

/** Mentions in their colour. */
function coloured(line: string, dim: boolean): Span[] {
	if (line === '') return [{text: ' ', style: theme.text}];
	return line.split(/((?<![A-Za-z0-9_@-])@[A-Za-z][A-Za-z0-9_-]{0,31}(?![A-Za-z0-9_-]))/).map((text, index) => ({
		text,
		style: index % 2 === 1 ? tagStrong(text.slice(1)) : dim ? theme.grey : theme.text,
	}));
}

/** What that which is being typed may become, above the line. */
export function Completions({rect}: {readonly rect: Rect}) {
	const {store, screen} = useSurroundings();
	const compose = useUi(ui => ui.compose);
	const writing = useUi(ui => ui.mode === 'compose' && ui.overlay === null);
	const offers = writing ? offersFor(store.getState(), compose) : [];
	const column = Math.max(0, ...offers.map(({text}) => textWidth(text)));
	const about = Math.max(0, ...offers.map(({about}) => textWidth(about)));
	const width = Math.min(rect.width - 1, column + (about === 0 ? 6 : about + 8));
	const height = offers.length;
	const x = rect.x + 1;
	const y = rect.y - 1 - height;
	useLayoutEffect(
		() => (height === 0 ? undefined : screen?.cover({x, y, width, height})),
		[screen, x, y, width, height],
	);
	if (height === 0) return null;
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{offers.map(({text, about, tag}, index) => {
				const chosen = index === compose.completion;
				const look = tag === null ? (chosen ? theme.strong : theme.text) : chosen ? tagStrong(tag) : tagStyle(tag);
				const line: Span[] = [
					{text: chosen ? ' ▌' : '  ', style: tag === null ? theme.task : tagStyle(tag)},
					{text: printable(text), style: look},
				];
				if (about !== '') {
					line.push({text: `${' '.repeat(column - textWidth(text))}  ${about}`, style: theme.grey});
				}
				return <Spans key={text} line={onTint(line, width, 0)} />;
			})}
		</Box>
	);
}

/** Changes when what the line says of others does. */
function fingerprint(state: State, now: number): string {
	const agents = [...state.agents.values()].map(agent => `${agent.tag} ${presenceWords(agent, now).words}`);
	return JSON.stringify([state.identity?.tag, state.channels.size, agents]);
}
