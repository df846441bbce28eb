import type {HistoryStore} from '../../store/history-store.ts';
import type {Replay} from '../../store/replay.ts';
import type {Marks} from '../../store/mark.ts';
import {columnOf, type Scale} from './axis.ts';
import {barsOf, unowned, type Bar} from './bars.ts';
import {createTraffic, type Traffic} from './traffic.ts';

/** Everything to draw in the window, including lanes that are scrolled out of view. */
export interface Picture {
	readonly scale: Scale;
	/** The folded tags of the lanes, then `unowned` if there are tasks without an owner. */
	readonly lanes: readonly string[];
	readonly traffic: Traffic;
	/** By lane. */
	readonly bars: ReadonlyMap<string, readonly Bar[]>;
	/** The column of the present, or of the moment shown. */
	readonly edge: number;
	readonly replay: Replay;
	readonly marks: Marks;
	readonly laneOf: ReadonlyMap<string, number>;
}

interface LatestPicture {
	readonly key: readonly unknown[];
	readonly traffic: ReturnType<typeof createTraffic>;
	readonly length: number;
	readonly picture: Picture;
}

/** The latest picture of each list of lanes. */
const latestPictures = new WeakMap<readonly string[], LatestPicture>();

/**
 * The picture; the same object while nothing that it depends on changes. If only messages were added, it is updated rather than
 * made again. `moment` null: now. Times are milliseconds since 1970.
 */
export function pictureOf(
	history: HistoryStore,
	lanes: readonly string[],
	scale: Scale,
	moment: number | null,
	now: number,
): Picture {
	const {marks, replay} = history;
	const edge = columnOf(scale, moment ?? now);
	const {from, to, columns} = scale;
	const {length} = marks.list;
	const key = [marks, marks.version, replay, from, to, columns, moment ?? edge];
	let latest = latestPictures.get(lanes);
	if (latest === undefined || latest.key.some((part, index) => part !== key[index])) {
		const until = moment ?? Infinity;
		const laneOf = new Map(lanes.map((tag, index) => [tag, index]));
		const bars = barsIn(replay, scale, until);
		const traffic = createTraffic(marks, laneOf, scale, until);
		const all = bars.has(unowned) ? [...lanes, unowned] : lanes;
		const picture = {scale, lanes: all, traffic: traffic.count(), bars, edge, replay, marks, laneOf};
		latest = {key, traffic, length, picture};
	} else if (latest.length !== length) {
		latest = {...latest, length, picture: {...latest.picture, traffic: latest.traffic.count()}};
	}
	latestPictures.set(lanes, latest);
	return latest.picture;
}

function barsIn({tasks}: Replay, {from, to}: Scale, until: number): ReadonlyMap<string, readonly Bar[]> {
	const byLane = new Map<string, Bar[]>();
	for (const [id, steps] of tasks) {
		const last = steps.at(-1);
		if ((steps[0]?.at ?? Infinity) >= Math.min(to, until + 1)) continue;
		const isOver = last !== undefined && last.at < from && last.state !== 'queued' && last.state !== 'running';
		if (isOver) continue;
		for (const bar of barsOf(id, steps, until)) {
			if (bar.from >= to || bar.to < from) continue;
			const list = byLane.get(bar.lane);
			if (list === undefined) byLane.set(bar.lane, [bar]);
			else list.push(bar);
		}
	}
	return byLane;
}
