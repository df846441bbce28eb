import {hasOwnerSql, isShared, presenceOf, type Agent} from '../../mailbox/agent.ts';
import {foldTag, sameTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable} from '../../printable.ts';
import {agentList, lastWrittenBy, runningTaskOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {agentsPane} from '../model/pane-id.ts';
import type {PaintedLine, Rect} from '../screen/grid.ts';
import {clip, joinStrips, justify, strip, textWidth, type Span, type Strip} from '../screen/strip.ts';
import {contextOf, doingText, sharedFileText} from '../settings/doing-words.ts';
import {selectedTint, tagStrong, tagStyle, theme} from '../settings/theme.ts';
import {viewOf, type Ui} from '../model/ui.ts';
import {clockTime, presenceWords} from '../settings/words.ts';
import {centred} from './channel.ts';
import {lookAlikeMark} from './look-alike.ts';

/** The agents in the order of the pane, without the human's own tag. */
export function agentOrder(state: State, now = Date.now()): Agent[] {
	const me = state.identity?.tag ?? '';
	return agentList(state, now).filter(({tag}) => !sameTag(tag, me));
}

/** The tag of the agent that is selected in the pane. */
export function selectedAgent(state: State, ui: Ui): Tag | null {
	const {selected} = viewOf(ui, agentsPane);
	return selected === null ? null : (state.agents.get(foldTag(selected))?.tag ?? null);
}

/** The visible lines of the pane: the selected agent in full, the others with as many lines as fit. */
export function agentsLines(state: State, ui: Ui, rect: Rect, now: number): PaintedLine[] {
	const width = Math.max(4, rect.width - 2);
	const {selected} = viewOf(ui, agentsPane);
	const blocks = agentOrder(state, now).map(agent => ({
		key: foldTag(agent.tag),
		lines: agentBlock(state, agent, width, {now, ui}),
	}));
	const footer = [unlistedLine(state, width), selfLine(state, width)].filter(line => line !== null);
	if (blocks.length === 0) {
		return centred([strip([{text: state.loaded ? p`no agent has joined yet` : p`reading`, style: theme.faint}])], rect);
	}
	const room = rect.height - footer.length;
	const fits = (linesEach: number, gap: number): boolean =>
		blocks.reduce((rows, {lines}) => rows + Math.min(linesEach, lines.length) + gap, 0) <= room;
	const maxLines = fits(4, 1) || fits(4, 0) ? 4 : fits(2, 0) ? 2 : 1;
	const gap = fits(4, 1) ? 1 : 0;
	const lines = blocks.flatMap(({key, lines}): PaintedLine[] => {
		const isSelected = key === selected;
		const shown = lines.slice(0, isSelected ? lines.length : maxLines).map(line => framed(line, key, isSelected));
		return gap === 0 ? shown : [{strip: strip([])}, ...shown];
	});
	const first = lines.findIndex(({tint}) => tint !== undefined);
	const end = lines.findLastIndex(({tint}) => tint !== undefined) + 1;
	const top =
		first < 0
			? 0
			: Math.max(0, Math.min(first - 1, Math.max(end - room, first - Math.floor(room / 2)), lines.length - room));
	const visible = lines.slice(top, top + room);
	if (footer.length === 0) return visible;
	if (gap === 1 && visible.length < room) visible.push({strip: strip([])});
	return [...visible, ...footer.map(line => ({strip: joinStrips(strip([{text: p` `, style: theme.text}]), line)}))];
}

function framed(line: Strip, key: string, isSelected: boolean): PaintedLine {
	const edge = strip([{text: isSelected ? p`▌` : p` `, style: tagStyle(key)}]);
	return isSelected ? {strip: joinStrips(edge, line), tint: selectedTint} : {strip: joinStrips(edge, line)};
}

/** An agent's tag and presence, its running task, its last message, and how to reach it. */
function agentBlock(
	state: State,
	agent: Agent,
	width: number,
	{now, ui}: {readonly now: number; readonly ui: Ui},
): Strip[] {
	const {sign, words, brief = words, mood} = presenceWords(agent, now);
	const name: Span[] = [
		{text: p`${sign} `, style: theme[mood]},
		{text: printable(agent.tag), style: tagStrong(agent.tag)},
		...(hasOwnerSql(agent) ? [{text: p` owner SQL`, style: theme.warn}] : []),
		...lookAlikeMark(state, agent.tag),
	];
	const left: Span[] = [
		...name,
		...(agent.role === null || agent.role === '' ? [] : [{text: p` ${printable(agent.role)}`, style: theme.faint}]),
	];
	// Its presence may be old then, and its mail does not reach it.
	const isDisarmed = ui.disarmed.has(foldTag(agent.tag));
	const taken = name.reduce((columns, {text}) => columns + textWidth(text), 0);
	// Which agent it is matters more than since when.
	const right = isDisarmed ? p`files missing` : taken + 1 + textWidth(words) <= width ? words : brief;
	const style = isDisarmed || mood === 'warn' ? theme.warn : theme.grey;
	const lines = [justify(left, [{text: right, style}], width)];
	const task = runningTaskOf(state, agent.tag);
	if (task !== undefined) {
		lines.push(
			clip(
				strip([
					{text: p`  ▶ `, style: theme.good},
					{text: p`#${task.id} `, style: theme.task},
					{text: printable(task.title), style: theme.text},
				]),
				width,
			),
		);
	}
	lines.push(...doingLines(agent, width, {now, ui}));
	const last = lastWrittenBy(state, agent.tag);
	if (last !== undefined) {
		const text = printable(last.body.slice(0, 4 * width).replaceAll(/\s+/g, ' '));
		lines.push(clip(strip([{text: p`  ${clockTime(last.created_at, now)} ${text}`, style: theme.grey}]), width));
	}
	lines.push(clip(strip(reachSpans(agent, now, ui)), width));
	return lines;
}

/** What it does in its turn, how full its context is, and which file another one edits as well. */
function doingLines(agent: Agent, width: number, {now, ui}: {readonly now: number; readonly ui: Ui}): Strip[] {
	const sight = ui.sights.get(foldTag(agent.tag));
	const [doing, context] = [doingText(agent, sight, now), contextOf(agent, sight, now, true)];
	const [shared] = sight?.files ?? [];
	const right: Span[] = context === null ? [] : [{text: context, style: theme.grey}];
	const left: Span[] = [{text: p`  › ${doing ?? ''}`, style: theme.text}];
	return [
		...(doing === null ? [] : [justify(left, right, width)]),
		...(shared === undefined ? [] : [clip(strip([{text: p`  ${sharedFileText(shared)}`, style: theme.warn}]), width)]),
	];
}

/** When it was last seen, its sessions, how mail reaches it when it is idle, and when it joined. */
function reachSpans(agent: Agent, now: number, ui: Ui): Span[] {
	const spans: Span[] = [];
	if (ui.disarmed.has(foldTag(agent.tag))) {
		spans.push({text: p`run ${printable(ui.program)} join ${printable(agent.tag)}`, style: theme.warn});
	}
	const presence = presenceOf(agent, now);
	if (agent.last_seen_at !== null && presence !== 'away' && presence !== 'gone') {
		spans.push({text: p`seen ${clockTime(agent.last_seen_at, now)}`, style: theme.faint});
	}
	if (agent.damped !== null) spans.push({text: p`loop damped: ${printable(agent.damped)}`, style: theme.warn});
	if (isShared(agent, now)) spans.push({text: p`${agent.sessions} sessions, one inbox`, style: theme.warn});
	else if (agent.sessions === 1) spans.push({text: p`1 session`, style: theme.faint});
	if (agent.kind === 'agent' && presence !== 'gone' && presence !== 'away') {
		spans.push({text: agent.wake === null ? p`reads at next turn` : p`woken by mail`, style: theme.faint});
	}
	spans.push({text: p`joined ${clockTime(agent.joined_at, now)}`, style: theme.faint});
	return spans.flatMap((span, at) => [{text: at === 0 ? p`  ` : p` · `, style: theme.faint}, span]);
}

/** How many tags were mentioned that have no pane, because nobody has joined or written as them. */
function unlistedLine({unlisted}: State, width: number): Strip | null {
	if (unlisted.size === 0) return null;
	const tags = unlisted.size === 1 ? p`tag` : p`tags`;
	return clip(strip([{text: p`+ ${unlisted.size} unknown ${tags} addressed`, style: theme.faint}]), width);
}

function selfLine(state: State, width: number): Strip | null {
	const me = state.identity?.tag;
	if (me === undefined) return null;
	const left: Span[] = [
		{text: p`● `, style: theme.good},
		{text: printable(me), style: tagStyle(me)},
	];
	return justify(left, [{text: p`you`, style: theme.grey}], width);
}
