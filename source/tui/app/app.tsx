import {Box} from 'ink';
import {joinPrintable, p} from '../../printable.ts';
import {ComposeLine, Completions} from '../compose/compose-line.tsx';
import {useUi} from '../view/context.ts';
import {layoutOf} from '../model/current-layout.ts';
import {minColumns, minRows} from '../model/layout.ts';
import {Overlays} from './overlays.tsx';
import {Painted} from '../view/painted.tsx';
import {Pane} from '../view/pane.tsx';
import {statusBar, topBar} from '../view/regions.ts';
import type {Rect} from '../screen/grid.ts';
import {ansi, strip} from '../screen/strip.ts';
import {Spans} from '../view/spans.tsx';
import {theme} from '../settings/theme.ts';
import {Timeline} from '../timeline/timeline.tsx';
import {Text} from '../view/text.tsx';

/** The whole screen: where things stand, nothing else. */
export function App() {
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const lookingBack = useUi(ui => ui.timeline !== null);
	const {kind, panes, rules, body, compose} = useUi(layoutOf);
	if (kind === 'tiny') {
		return (
			<Box width={columns} height={rows}>
				<Text wrap="wrap">{p`agentmux needs at least ${minColumns}x${minRows}; this terminal is ${columns}x${rows}`}</Text>
			</Box>
		);
	}
	const top: Rect = {x: 0, y: 0, width: columns, height: 1};
	const bottom: Rect = {...top, y: rows - 1};
	if (lookingBack) {
		return (
			<Box width={columns} height={rows}>
				<Painted region={topBar} rect={top} />
				<Timeline />
				<Painted region={statusBar} rect={bottom} />
				<Overlays />
			</Box>
		);
	}
	return (
		<Box width={columns} height={rows}>
			<Painted region={topBar} rect={top} />
			{panes.map(({id, rect}) => (
				<Pane key={id} id={id} rect={rect} />
			))}
			{rules.map(x => (
				<Rule key={x} x={x} body={body} />
			))}
			<Box position="absolute" left={0} top={compose.y - 1} width={columns} height={1}>
				<Spans line={[{text: p`─`.repeat(columns), style: theme.rule}]} />
			</Box>
			<ComposeLine rect={compose} />
			<Painted region={statusBar} rect={bottom} />
			<Completions rect={compose} />
			<Overlays />
		</Box>
	);
}

function Rule({x, body}: {readonly x: number; readonly body: Rect}) {
	const line = ansi(strip([{text: p`│`, style: theme.rule}]));
	return (
		<Box position="absolute" left={x} top={body.y} width={1} height={body.height} flexDirection="column">
			<Text>
				{joinPrintable(
					Array.from({length: body.height}, () => line),
					'\n',
				)}
			</Text>
		</Box>
	);
}
