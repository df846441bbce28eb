import {Box} from 'ink';
import {useEffect, useLayoutEffect, useState} from 'react';
import {useSurroundings, useUi} from '../view/context.ts';
import type {Rect} from '../screen/grid.ts';
import {ansi} from '../screen/strip.ts';
import {Text} from '../view/text.tsx';
import {p} from '../../printable.ts';
import {timelineLines} from './lines.ts';
import {laneOrder} from './lanes.ts';
import {momentOf} from '../model/timeline-view.ts';

/** Milliseconds between two frames while it plays. */
const frame = 100;

/** The timeline in place of the panes: hands its lines to the screen, or renders them as text where there is none. */
export function Timeline() {
	const {screen, store, ui, now: clock} = useSurroundings();
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const playing = useUi(ui => ui.timeline !== null && ui.timeline.moment !== null && ui.timeline.moment.since !== null);
	const [, redraw] = useState(0);
	const rect: Rect = {x: 0, y: 1, width: columns, height: Math.max(0, rows - 2)};
	const lines = (): ReturnType<typeof timelineLines> => {
		const now = ui.getState();
		return now.timeline === null
			? []
			: timelineLines(store.getState(), store.history, now, now.timeline, rect, clock());
	};

	useLayoutEffect(() => screen?.place({x: 0, y: 1, width: columns, height: Math.max(0, rows - 2)}, lines));
	useEffect(() => {
		const changed = () => (screen === null ? redraw(count => count + 1) : screen.invalidate());
		const addLanes = () => {
			const {timeline} = ui.getState();
			if (timeline === null) return;
			const lanes = laneOrder(store.getState(), store.history.marks.list, timeline.lanes);
			if (lanes !== timeline.lanes) ui.setState({timeline: {...timeline, lanes}});
		};
		const unsubscribes = [store.history.subscribe(changed), ui.subscribe(changed), store.subscribe(addLanes)];
		return () => unsubscribes.forEach(unsubscribe => unsubscribe());
	}, [screen, store, ui]);
	useEffect(() => {
		if (!playing) return;
		const timer = setInterval(() => {
			const {timeline} = ui.getState();
			// Played to the present: from here on it is live.
			if (timeline !== null && momentOf(timeline, clock()) === null)
				ui.setState({timeline: {...timeline, moment: null}});
			screen?.invalidate();
		}, frame);
		return () => clearInterval(timer);
	}, [playing, screen, ui, clock]);

	return (
		<Box position="absolute" left={0} top={1} width={columns} height={rect.height} flexDirection="column">
			{screen === null &&
				lines().map(({strip}, index) => (
					<Text key={index} wrap="truncate">
						{strip.glyphs.length === 0 ? p` ` : ansi(strip)}
					</Text>
				))}
		</Box>
	);
}
