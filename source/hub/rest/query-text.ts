/** Parameters as a query string with every space as %20, as PostgREST writes it. */
export function queryText(parameters: readonly (readonly [name: string, value: string])[]): string {
	return parameters.map(pair => pair.map(encodeURIComponent).join('=')).join('&');
}
