import type {Doing, SharedFile, Sight, Stop, StopAsked} from '../../mailbox/sight/sight.ts';
import type {Database} from '../link/database.types.ts';
import {integer, list, nullable, object, real, row, text, type Reader} from './columns.ts';

type TableRow<Name extends 'mux_sight' | 'mux_stops' | 'mux_edits'> = Database['public']['Tables'][Name]['Row'];

const readDoing = row<Doing & {readonly updated_at: string}, TableRow<'mux_sight'>>('mux_sight', {
	client: nullable(text),
	status: nullable(text),
	waiting_for: nullable(text),
	tool: nullable(text),
	argument: nullable(text),
	tool_at: nullable(text),
	said: nullable(text),
	said_at: nullable(text),
	prompt: nullable(text),
	prompted_at: nullable(text),
	model: nullable(text),
	tokens: nullable(integer),
	context_window: nullable(integer),
	cost: nullable(real),
	updated_at: text,
});

const stopColumns = {asked_by: nullable(text), asked_at: text, stopped_at: nullable(text), reason: nullable(text)};
const readStop = row<Stop, TableRow<'mux_stops'>>('mux_stops', stopColumns);
const readFile = row<SharedFile, TableRow<'mux_edits'>>('mux_edits', {path: text, tag: text, edited_at: text});

/** Reads a row of `agent_stop`. */
export const readStopAsked: Reader<StopAsked> = row<StopAsked, TableRow<'mux_stops'>>('mux_stops', {
	...stopColumns,
	tag: text,
	session: text,
});

const readTag = row<Pick<Sight, 'tag'>, TableRow<'mux_sight'>>('sights', {tag: text});

/** Reads an agent of the answer of `sights`. */
export const readSight: Reader<Sight> = value => {
	const {sight, stop, files} = object(value) ?? {};
	return {
		...readTag(value),
		doing: sight === null ? null : readDoing(sight),
		stop: stop === null ? null : readStop(stop),
		files: (list(object)(files) ?? []).map(readFile),
	};
};
