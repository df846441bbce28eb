import {Box} from 'ink';
import {useLayoutEffect, type ReactNode} from 'react';
import {useSurroundings, useUi} from './context.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {onTint, Spans} from './spans.tsx';

/** Lines in the middle of the screen, above the panes, on a background of their own. */
export function Panel({
	lines,
	tight = false,
}: {
	readonly lines: ReadonlyArray<readonly Span[]>;
	readonly tight?: boolean;
}) {
	const {screen} = useSurroundings();
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const widest = Math.max(...lines.map(line => line.reduce((sum, {text}) => sum + textWidth(text), 0)));
	const width = Math.min(columns, widest + 6);
	const height = Math.min(rows - 3, lines.length + (tight ? 0 : 2));
	const x = Math.floor((columns - width) / 2);
	const y = Math.max(1, Math.floor((rows - 2 - height) / 2));
	useLayoutEffect(() => screen?.cover({x, y, width, height}), [screen, x, y, width, height]);
	const body: ReactNode[] = (tight ? lines : [[], ...lines, []])
		.slice(0, height)
		.map((line, index) => <Spans key={index} line={onTint(line, width)} />);
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{body}
		</Box>
	);
}
