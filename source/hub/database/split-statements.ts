// Tokens that may contain a semicolon (https://www.postgresql.org/docs/current/sql-syntax-lexical.html), and the semicolon itself.
const token = new RegExp(
	[
		String.raw`--[^\n]*`,
		String.raw`(?<comment>/\*)`,
		String.raw`\b[eE]'(?:[^'\\]|\\[^]|'')*'?`,
		String.raw`'(?:[^']|'')*'?`,
		String.raw`"(?:[^"]|"")*"?`,
		String.raw`(?<![\w$])(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
		String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
		`(?<end>;)`,
	].join('|'),
	'gu',
);

/**
 * The statements of an SQL script as the Supabase CLI records them: trimmed, without semicolons, empty ones left out. Invalid SQL may
 * be split anywhere.
 */
export function splitStatements(sql: string): string[] {
	const statements: string[] = [];
	const keep = (text: string): void => {
		const statement = text.trim();
		if (statement !== '' && !isBlank(statement)) statements.push(statement);
	};
	let start = 0;
	let depth = 0;
	let previous = '';
	token.lastIndex = 0;
	for (let match = token.exec(sql); match !== null; match = token.exec(sql)) {
		const {comment, dollar, word, end} = match.groups ?? {};
		if (comment !== undefined) token.lastIndex = commentEnd(sql, match.index);
		if (dollar !== undefined) token.lastIndex = dollarEnd(sql, token.lastIndex, dollar);
		if (word !== undefined) {
			const lower = word.toLowerCase();
			depth = depthAfter(lower, previous, depth);
			previous = lower;
		}
		if (end !== undefined && depth === 0) {
			keep(sql.slice(start, match.index));
			start = token.lastIndex;
			previous = '';
		}
	}
	keep(sql.slice(start));
	return statements;
}

/** The depth of `begin atomic ... end`, inside which semicolons belong to the function's body. */
function depthAfter(word: string, previous: string, depth: number): number {
	if (depth === 0) return word === 'atomic' && previous === 'begin' ? 1 : 0;
	if (word === 'case') return depth + 1;
	return word === 'end' ? depth - 1 : depth;
}

/** The index after the comment that opens at `start`; comments nest. */
export function commentEnd(sql: string, start: number): number {
	const edge = /\/\*|\*\//g;
	edge.lastIndex = start;
	let depth = 0;
	for (let match = edge.exec(sql); match !== null; match = edge.exec(sql)) {
		depth += match[0] === '/*' ? 1 : -1;
		if (depth === 0) return edge.lastIndex;
	}
	return sql.length;
}

function dollarEnd(sql: string, start: number, tag: string): number {
	const end = sql.indexOf(tag, start);
	return end === -1 ? sql.length : end + tag.length;
}

function isBlank(statement: string): boolean {
	return statement.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, '').trim() === '';
}
