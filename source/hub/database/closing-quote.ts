/** Where the double quote that opens at `start` is closed, with JSON's backslashes in between; -1 when it is not. */
export function closingQuote(text: string, start: number): number {
	for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
		let slashes = 0;
		while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes += 1;
		if (slashes % 2 === 0) return at;
	}
	return -1;
}
