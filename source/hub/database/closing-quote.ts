/** The index of the double quote that closes the one at `start`, allowing for backslash escapes as in JSON; -1 if there is none. */
export function closingQuote(text: string, start: number): number {
	for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
		let slashes = 0;
		while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes += 1;
		if (slashes % 2 === 0) return at;
	}
	return -1;
}
