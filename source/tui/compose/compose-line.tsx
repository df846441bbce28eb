import {Box} from 'ink';
import {useLayoutEffect} from 'react';
import {p, printable} from '../../printable.ts';
import type {State} from '../../store/state.ts';
import {useSurroundings, useUi} from '../view/context.ts';
import {Painted} from '../view/painted.tsx';
import type {Rect} from '../screen/grid.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {onTint, Spans} from '../view/spans.tsx';
import {tagStrong, tagStyle, theme} from '../settings/theme.ts';
import type {Ui} from '../model/ui.ts';
import {composeCursor, composeLine} from './compose-lines.ts';
import {completionsFor, type Completion} from './completions.ts';

interface Props {
	readonly rect: Rect;
}

/** The line where the human writes. It is painted as panes are: a letter shows without React and Ink. */
export function ComposeLine({rect}: Props) {
	const {screen, store, ui, now} = useSurroundings();
	// An overlay moves the cursor to its own place, and leaves it there.
	const overlay = useUi(each => each.overlay?.kind);
	const {x, y, width, height} = rect;
	useLayoutEffect(() => {
		const locate = () => composeCursor(store.getState(), ui.getState(), {x, y, width, height}, now());
		screen?.setCursor(overlay === undefined ? locate : null);
		return () => screen?.setCursor(null);
	}, [screen, store, ui, now, overlay, x, y, width, height]);
	return <Painted region={composeLine} rect={rect} />;
}

function completionsIn(state: State, {mode, overlay, compose}: Ui): readonly Completion[] {
	return mode === 'compose' && overlay === null ? completionsFor(state, compose) : [];
}

/** What that which is being typed may become, above the line. */
export function Completions({rect}: {readonly rect: Rect}) {
	const {store, ui, screen} = useSurroundings();
	// Drawn anew only when they change: most letters begin none.
	useUi(each => fingerprint(completionsIn(store.getState(), each), each.compose.completion));
	const {completion} = ui.getState().compose;
	const completions = completionsIn(store.getState(), ui.getState());
	const column = Math.max(0, ...completions.map(({text}) => textWidth(text)));
	const about = Math.max(0, ...completions.map(({about}) => textWidth(about)));
	const width = Math.min(rect.width - 1, column + (about === 0 ? 6 : about + 8));
	const height = completions.length;
	const x = rect.x + 1;
	const y = rect.y - 1 - height;
	useLayoutEffect(
		() => (height === 0 ? undefined : screen?.cover({x, y, width, height})),
		[screen, x, y, width, height],
	);
	if (height === 0) return null;
	return (
		<Box position="absolute" left={x} top={y} width={width} height={height} flexDirection="column">
			{completions.map(({text, about, tag}, index) => {
				const chosen = index === completion;
				const look = tag === null ? (chosen ? theme.strong : theme.text) : chosen ? tagStrong(tag) : tagStyle(tag);
				const line: Span[] = [
					{text: chosen ? p` ▌` : p`  `, style: tag === null ? theme.task : tagStyle(tag)},
					{text: printable(text), style: look},
				];
				if (about !== '') {
					line.push({text: p`${p` `.repeat(column - textWidth(text))}  ${printable(about)}`, style: theme.grey});
				}
				return <Spans key={text} line={onTint(line, width, 0)} />;
			})}
		</Box>
	);
}

/** Changes when what is shown of the offers does. */
function fingerprint(completions: readonly Completion[], completion: number): string {
	return completions.length === 0
		? ''
		: JSON.stringify([completion, completions.map(({text, about}) => [text, about])]);
}
