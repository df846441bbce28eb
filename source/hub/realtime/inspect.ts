/** A JSON value as Elixir's `inspect` formats it, in lines of 80 characters, for Supabase Realtime's error messages. */
export function inspect(value: unknown): string {
	if (value === null || value === undefined) return 'nil';
	if (typeof value !== 'object') return JSON.stringify(value);
	if (Array.isArray(value)) return wrap('[', value.map(inspect), ']');
	const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
	return wrap(
		'%{',
		entries.map(([key, member]) => `${JSON.stringify(key)} => ${inspect(member)}`),
		'}',
	);
}

/** A list of tuples of strings: `[{"size", "eq", "1"}]`. */
export function inspectTuples(tuples: readonly (readonly string[])[]): string {
	return wrap(
		'[',
		tuples.map(tuple => fill(tuple.map(inspect))),
		']',
	);
}

const width = 80;

function wrap(open: string, items: readonly string[], close: string): string {
	const line = `${open}${items.join(', ')}${close}`;
	if (line.length <= width && !line.includes('\n')) return line;
	return `${open}\n  ${items.join(',\n  ')}\n${close}`;
}

/** A tuple in a list, with as many members on a line as fit. */
function fill(items: readonly string[]): string {
	let text = '{';
	let column = 3;
	for (const [nth, item] of items.entries()) {
		if (nth > 0) {
			const fits = column + item.length + 2 <= width;
			text += fits ? ', ' : ',\n   ';
			column = fits ? column + 2 : 3;
		}
		text += item;
		column += item.length;
	}
	return `${text}}`;
}
