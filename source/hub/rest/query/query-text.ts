/** Formats a query string like PostgREST, with everything escaped except letters, digits and `-_.~`. */
export function queryText(parameters: readonly (readonly [name: string, value: string])[]): string {
	return parameters.map(pair => pair.map(escape).join('=')).join('&');
}

function escape(text: string): string {
	return encodeURIComponent(text).replaceAll(
		/[!'()*]/g,
		character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
	);
}
