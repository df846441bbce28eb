import {inputFields, type Approval} from '../../mailbox/approval.ts';
import {joinPrintable, p, printable, printableLines, type Printable} from '../../printable.ts';
import {timeOf} from '../cli/message-text.ts';

/** What became of a request. Remote text, not made printable. */
export function stateOf({state, decided_by, taken_at, reason}: Approval): string {
	if (state === 'terminal') return 'answered in its terminal';
	if (state === 'allowed' || state === 'denied') {
		if (decided_by === null) return `${state} by ${reason ?? 'a rule'}`;
		return `${state} by ${decided_by}${taken_at === null ? ', not yet taken' : ''}`;
	}
	return state;
}

/** All of a request: what a human answers. */
export function card(approval: Approval): Printable {
	const {id, tag, client, tool, cwd, asked_at, reason} = approval;
	const lines = [
		p`#${id}  ${printable(tag)} (${printable(client)}) asked at ${timeOf(asked_at)}: ${printable(stateOf(approval))}`,
		...(reason === null || approval.decided_by === null ? [] : [p`  reason  ${printable(reason)}`]),
		p`  tool    ${printable(tool)}`,
		p`  folder  ${printable(cwd)}`,
		...inputLines(approval.input).map(line => p`    │ ${line}`),
	];
	return joinPrintable([...lines, p``], '\n');
}

/** The whole input, field by field; a text keeps its lines. */
function inputLines(input: string): readonly Printable[] {
	return inputFields(input).flatMap(({name, value}) => {
		const [first = p``, ...rest] = printableLines(value);
		return [name === '' ? first : p`${printable(name)}: ${first}`, ...rest.map(line => p`  ${line}`)];
	});
}
