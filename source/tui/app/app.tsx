import {Box} from 'ink';
import {useEffect, useMemo, useState} from 'react';
import {joinPrintable} from '../../printable.ts';
import {createGrid, drawScene, rowOf} from '../screen/grid.ts';
import {followTimeline} from '../timeline/follow.ts';
import {useSurroundings} from '../view/context.ts';
import {Text} from '../view/text.tsx';
import {createScene} from './scene.ts';

/** The app. A screen draws its own frames; without one, as in tests, frames are rendered as text. */
export function App() {
	const {screen, store, ui, now} = useSurroundings();
	useEffect(() => followTimeline({store, ui, now}, () => screen?.invalidate()), [screen, store, ui, now]);
	return screen === null ? <SceneText /> : null;
}

function SceneText() {
	const {store, ui, name, now} = useSurroundings();
	const scene = useMemo(() => createScene({store, ui, name, now}), [store, ui, name, now]);
	const [, render] = useState(0);
	useEffect(() => {
		const changed = () => render(count => count + 1);
		const unsubscribes = [store.subscribe(changed), store.history.subscribe(changed), ui.subscribe(changed)];
		return () => unsubscribes.forEach(unsubscribe => unsubscribe());
	}, [store, ui]);
	const {columns, rows} = ui.getState();
	const grid = createGrid(columns, rows);
	drawScene(grid, scene());
	return (
		<Box flexDirection="column" width={columns} height={rows}>
			{Array.from({length: rows}, (_, y) => (
				<Text key={y} wrap="truncate">
					{joinPrintable(rowOf(grid, y))}
				</Text>
			))}
		</Box>
	);
}
