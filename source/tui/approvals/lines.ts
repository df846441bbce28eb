import {inputFields, type Approval} from '../../mailbox/approval.ts';
import {p, printable, printableLines} from '../../printable.ts';
import {spansOf, strip, type Span} from '../screen/strip.ts';
import {wrap} from '../screen/wrap.ts';
import {tagStrong, theme} from '../settings/theme.ts';
import {duration} from '../settings/words.ts';

/** Who asks, since when, and until when the client waits. */
export function headLines({id, tag, client, asked_at, waits_until}: Approval, where: string, now: number): Span[][] {
	const left = Date.parse(waits_until) - now;
	return [
		[
			{text: p`#${id} `, style: theme.grey},
			{text: printable(tag), style: tagStrong(tag)},
			{text: p` asks for permission`, style: theme.strong},
			{text: printable(where), style: theme.grey},
		],
		[
			{
				text: p`${printable(client)} · asked ${duration(now - Date.parse(asked_at))} ago · waits ${duration(left)} more`,
				style: theme.grey,
			},
		],
	];
}

/** The tool, the folder and the whole input, as lines of at most `width` columns. */
export function questionLines({tool, cwd, input}: Pick<Approval, 'tool' | 'cwd' | 'input'>, width: number): Span[][] {
	const wrapped = (spans: readonly Span[], indent: number): Span[][] =>
		wrap(strip(spans), Math.max(8, width - indent)).map(line => [
			{text: p` `.repeat(indent), style: theme.text},
			...spansOf(line),
		]);
	return [
		...wrapped(
			[
				{text: printable(tool), style: theme.strong},
				{text: p`  in ${printable(cwd)}`, style: theme.grey},
			],
			0,
		),
		[],
		...inputFields(input).flatMap(({name, value}) => {
			const [first = p``, ...rest] = printableLines(value);
			const label: Span[] = name === '' ? [] : [{text: p`${printable(name)}: `, style: theme.grey}];
			return [
				...wrapped([...label, {text: first, style: theme.text}], 0),
				...rest.flatMap(line => wrapped([{text: line, style: theme.text}], 2)),
			];
		}),
	];
}
