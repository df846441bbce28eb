import {Box, Text} from 'ink';
import {useEffect, useLayoutEffect, useState} from 'react';
import {useStore} from 'zustand';
import {useSurroundings} from '../context.ts';
import {layoutOf} from '../current-layout.ts';
import type {PaneId} from '../pane-id.ts';
import type {Rect} from '../screen/grid.ts';
import {ansi} from '../screen/strip.ts';
import {paneLines} from './paint.ts';

interface PaneProps {
	readonly id: PaneId;
	readonly rect: Rect;
}

/** A pane: hands its rectangle and its lines to the screen, or renders the same lines as text where there is none. */
export function Pane({id, rect}: PaneProps) {
	const {screen} = useSurroundings();
	const {x, y, width, height} = rect;
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{screen === null ? <PaneText id={id} rect={rect} /> : <PanePainter id={id} rect={rect} />}
		</Box>
	);
}

function PanePainter({id, rect: {x, y, width, height}}: PaneProps) {
	const {screen, store, ui, now: clock} = useSurroundings();
	useLayoutEffect(
		() =>
			screen?.place({x, y, width, height}, rect => {
				const now = ui.getState();
				return paneLines(store.getState(), now, layoutOf(now), id, rect, clock());
			}),
		[screen, store, ui, clock, id, x, y, width, height],
	);
	return null;
}

function PaneText({id, rect}: PaneProps) {
	const {store, ui, now: clock} = useSurroundings();
	const now = useStore(ui);
	const [state, setState] = useState(() => store.getState());
	useEffect(() => store.subscribe(setState), [store]);
	return paneLines(state, now, layoutOf(now), id, rect, clock()).map(({strip}, index) => (
		<Text key={index} wrap="truncate">
			{strip.glyphs.length === 0 ? ' ' : ansi(strip)}
		</Text>
	));
}
