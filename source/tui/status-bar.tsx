import {Box} from 'ink';
import {printable} from '../printable.ts';
import {useMailbox, useUi} from './context.ts';
import {hints, type Place} from './keymap.ts';
import {tasksPane} from './layout.ts';
import {textWidth, type Span} from './screen/strip.ts';
import {Spans} from './spans.tsx';
import {theme} from './theme.ts';
import type {Ui} from './ui.ts';

/** The last row: the mode, then the keys that matter here; at the right, what is wrong with the connection. */
export function StatusBar() {
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const mode = useUi(ui => ui.mode);
	const notice = useUi(ui => ui.notice);
	const place = useUi(placeOf);
	const line: Span[] = [
		mode === 'compose' ? {text: ' COMPOSE', style: theme.goodStrong} : {text: ' READ', style: theme.strong},
	];
	if (notice !== null) line.push({text: `  ${printable(notice)}`, style: theme.warn});
	const trouble = useMailbox(state => state.trouble ?? '');
	const words = trouble === '' ? '' : `${printable(trouble)} `;
	let room = columns - line.reduce((width, {text}) => width + textWidth(text), 0) - 1;
	// The keys are known by heart; what is wrong is not.
	const wide = words !== '' && textWidth(words) + 3 <= room;
	if (wide) room -= textWidth(words) + 2;
	for (const {label, hint} of hints(place)) {
		room -= 3 + textWidth(label) + textWidth(hint);
		if (room < 0) break;
		line.push({text: `  ${label}`, style: theme.text}, {text: ` ${hint}`, style: theme.grey});
	}
	return (
		<Box position="absolute" left={0} top={rows - 1} width={columns} height={1}>
			<Spans line={line} />
			{wide && (
				<Box flexGrow={1} justifyContent="flex-end">
					<Spans line={[{text: words, style: theme.warn}]} />
				</Box>
			)}
		</Box>
	);
}

/** Where the human is, as the keymap knows it. */
function placeOf({mode, focus}: Ui): Place {
	return mode === 'read' && focus === tasksPane ? 'tasks' : mode;
}
