import {Box} from 'ink';
import {useEffect, useLayoutEffect, useState} from 'react';
import {useStore} from 'zustand';
import {p} from '../../printable.ts';
import {useSurroundings} from './context.ts';
import type {Region} from './regions.ts';
import type {Rect} from '../screen/grid.ts';
import {ansi} from '../screen/strip.ts';
import {Text} from './text.tsx';

interface Props {
	readonly region: Region;
	readonly rect: Rect;
}

/** Hands a part and its rectangle to the screen, or renders the same lines as text where there is none. */
export function Painted({region, rect}: Props) {
	const {screen} = useSurroundings();
	const {x, y, width, height} = rect;
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{screen === null ? <RegionText region={region} rect={rect} /> : <RegionPainter region={region} rect={rect} />}
		</Box>
	);
}

function RegionPainter({region, rect: {x, y, width, height}}: Props) {
	const {screen, store, ui, name, now} = useSurroundings();
	useLayoutEffect(
		() =>
			screen?.place({x, y, width, height}, rect =>
				region({state: store.getState(), ui: ui.getState(), name, now: now()}, rect),
			),
		[screen, store, ui, name, now, region, x, y, width, height],
	);
	return null;
}

function RegionText({region, rect}: Props) {
	const {store, ui, name, now} = useSurroundings();
	const current = useStore(ui);
	const [state, setState] = useState(() => store.getState());
	useEffect(() => store.subscribe(setState), [store]);
	return region({state, ui: current, name, now: now()}, rect).map(({strip}, index) => (
		<Text key={index} wrap="truncate">
			{strip.glyphs.length === 0 ? p` ` : ansi(strip)}
		</Text>
	));
}
