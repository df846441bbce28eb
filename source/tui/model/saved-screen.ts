import {foldTag, isTag} from '../../mailbox/tag.ts';
import type {SeenMarks} from '../../store/state/seen-marks.ts';
import {emptyArrangement, type Arrangement} from './arrangement.ts';
import {isRecent, keptRecent, nothingRecent, type Recent} from './recent.ts';
import type {PaneId} from './pane-id.ts';

/** The part of the screen's state that is saved between runs. */
export interface SavedScreen {
	readonly arrangement: Pick<Arrangement, 'onScreen' | 'hidden' | 'pinned' | 'moved' | 'zoomed'>;
	readonly focus: PaneId;
	/** Recent searches and commands; files of earlier versions have none. */
	readonly recent: Recent;
	/** Null until the mailbox was loaded. */
	readonly seen: SeenMarks | null;
}

/** The maximum length of each saved list. */
const maxKept = 1000;

export function serialized({
	arrangement: {onScreen, hidden, pinned, moved, zoomed},
	focus,
	recent,
	seen,
}: SavedScreen): string {
	return `${JSON.stringify({
		version: 1,
		focus,
		zoomed,
		// The name in files of earlier versions.
		places: onScreen.slice(0, maxKept),
		hidden: [...hidden].slice(0, maxKept),
		pinned: [...pinned].slice(0, maxKept),
		moved: [...moved].slice(0, maxKept),
		recent: keptRecent(recent),
		seen: seen === null ? null : {...seen, marks: [...seen.marks]},
	})}\n`;
}

/** Parses what `serialized` wrote; null for anything else. */
export function parseScreen(text: string): SavedScreen | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return null;
	}
	if (!isRecord(value) || value['version'] !== 1) return null;
	const {focus, zoomed, places, hidden, pinned, moved, recent = nothingRecent, seen} = value;
	if (!isPane(focus) || typeof zoomed !== 'boolean') return null;
	if (!isPanes(places) || !isPanes(hidden) || !isPanes(pinned) || !isNumbered(moved)) return null;
	if (!isRecent(recent)) return null;
	const marks = marksIn(seen);
	if (marks === undefined) return null;
	const arrangement = {
		onScreen: places,
		zoomed,
		hidden: new Set(hidden),
		pinned: new Set(pinned),
		moved: new Map(moved),
	};
	return {arrangement, focus, recent: {searches: recent.searches, commands: recent.commands}, seen: marks};
}

/** The arrangement at the start. Channels are added as they become known. */
export function restored(saved: SavedScreen | null): Arrangement {
	return saved === null ? emptyArrangement : {...emptyArrangement, ...saved.arrangement};
}

/** Undefined if it is damaged. */
function marksIn(value: unknown): SeenMarks | null | undefined {
	if (value === null) return null;
	if (!isRecord(value)) return undefined;
	const {epoch, from, marks} = value;
	if (typeof epoch !== 'string' || !isCount(from) || !isNumbered(marks)) return undefined;
	return {epoch, from, marks: new Map(marks)};
}

function isRecord(value: unknown): value is {readonly [key: string]: unknown} {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
	return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Panes and feeds are named by us: folded tags, or words after a `#`. */
function isPane(value: unknown): value is PaneId {
	return typeof value === 'string' && (/^#[A-Za-z]{1,20}$/.test(value) || (isTag(value) && foldTag(value) === value));
}

function isPanes(value: unknown): value is PaneId[] {
	return Array.isArray(value) && value.length <= maxKept && value.every(isPane);
}

function isNumbered(value: unknown): value is Array<[PaneId, number]> {
	return (
		Array.isArray(value) &&
		value.length <= maxKept &&
		value.every(pair => Array.isArray(pair) && pair.length === 2 && isPane(pair[0]) && isCount(pair[1]))
	);
}
