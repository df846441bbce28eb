import {Box} from 'ink';
import {printable} from '../printable.ts';
import {useUi} from './context.ts';
import {hints} from './keymap.ts';
import {textWidth, type Span} from './screen/strip.ts';
import {Spans} from './spans.tsx';
import {theme} from './theme.ts';

/** The last row: the mode, then the keys that matter here. */
export function StatusBar() {
	const columns = useUi(ui => ui.columns);
	const rows = useUi(ui => ui.rows);
	const mode = useUi(ui => ui.mode);
	const notice = useUi(ui => ui.notice);
	const line: Span[] = [
		mode === 'compose' ? {text: ' COMPOSE', style: theme.goodStrong} : {text: ' READ', style: theme.strong},
	];
	if (notice !== null) line.push({text: `  ${printable(notice)}`, style: theme.warn});
	let room = columns - line.reduce((width, {text}) => width + textWidth(text), 0) - 1;
	for (const {label, hint} of hints(mode)) {
		room -= 3 + textWidth(label) + textWidth(hint);
		if (room < 0) break;
		line.push({text: `  ${label}`, style: theme.text}, {text: ` ${hint}`, style: theme.grey});
	}
	return (
		<Box position="absolute" left={0} top={rows - 1} width={columns} height={1}>
			<Spans line={line} />
		</Box>
	);
}
