/** How `before` becomes `after`, as lines with ` `, `-` or `+` in front; of what stays, three lines around each change. */
export function diffLines(before: string, after: string): string[] {
	const old = linesOf(before);
	const fresh = linesOf(after);
	const common = commonLengths(old, fresh);
	const all: string[] = [];
	let i = 0;
	let j = 0;
	while (i < old.length || j < fresh.length) {
		if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
			all.push(` ${old[i]}`);
			i++;
			j++;
		} else if (j >= fresh.length || (i < old.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
			all.push(`-${old[i++]}`);
		} else {
			all.push(`+${fresh[j++]}`);
		}
	}
	const near = (index: number) => all.slice(Math.max(0, index - 3), index + 4).some(line => !line.startsWith(' '));
	return all.filter((_, index) => near(index));
}

function linesOf(text: string): string[] {
	return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The length of the longest common subsequence from each pair of positions on. */
function commonLengths(old: readonly string[], fresh: readonly string[]): number[][] {
	const lengths = Array.from({length: old.length + 1}, () => Array.from({length: fresh.length + 1}, () => 0));
	for (let i = old.length - 1; i >= 0; i--) {
		for (let j = fresh.length - 1; j >= 0; j--) {
			const row = lengths[i];
			if (row === undefined) continue;
			row[j] =
				old[i] === fresh[j] ? (lengths[i + 1]?.[j + 1] ?? 0) + 1 : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
		}
	}
	return lengths;
}
