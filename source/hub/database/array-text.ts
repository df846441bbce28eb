/** The strings as an array in PostgreSQL's text form, all quoted: `{"a","b c"}`. */
export function arrayText(values: readonly string[]): string {
	return `{${values.map(each => `"${each.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`;
}

/** The elements of an array in PostgreSQL's text form (`{a,"b c",NULL,{d}}`); nested arrays stay nested. */
export function parseArray(text: string): unknown[] {
	const stack: unknown[][] = [[]];
	// Lower bounds other than 1 are written first: `[0:1]={a,b}`.
	const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
	for (const match of text.slice(start).matchAll(/([{}])|"((?:[^"\\]|\\[^])*)"|([^{},"]+)/gu)) {
		const [, brace, quoted, plain] = match;
		if (brace === '{') {
			stack.push([]);
		} else if (brace === '}') {
			const finished = stack.pop() ?? [];
			stack.at(-1)?.push(finished);
		} else if (quoted !== undefined) {
			stack.at(-1)?.push(quoted.replaceAll(/\\([^])/gu, '$1'));
		} else {
			stack.at(-1)?.push(plain === 'NULL' ? null : plain);
		}
	}
	const [array] = stack[0] ?? [];
	return Array.isArray(array) ? array : [];
}
