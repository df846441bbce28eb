/**
 * `npm run layers`: whether source/ keeps to test/layers/layers.ts, and the picture of what imports what. Exits with 1 when not.
 * --quiet: without the picture. --small: a folder of more than 25 files is an error. --source DIR: another folder than source/.
 */
import {parseArgs} from 'node:util';
import {check, type Violation} from './check.ts';
import {largeFolders, picture} from './picture.ts';
import {readTree, sourceFolder} from './tree.ts';

const maxFiles = 25;

const {values} = parseArgs({
	options: {
		quiet: {type: 'boolean', default: false},
		small: {type: 'boolean', default: false},
		source: {type: 'string', default: sourceFolder},
	},
});
const tree = readTree(values.source);
const violations = check(tree);
const large = largeFolders(tree, maxFiles).map(
	([folder, count]) => `source/${folder} has ${count} files (at most ${maxFiles}).`,
);

if (!values.quiet) {
	console.log(picture(tree, violations));
	for (const sentence of large) console.log(sentence);
}
for (const violation of violations) console.error(lineOf(violation));
if (values.small && values.quiet) for (const sentence of large) console.error(sentence);
if (violations.length > 0 || (values.small && large.length > 0)) process.exitCode = 1;

function lineOf({file, import: at, rule}: Violation): string {
	return at ? `source/${file}:${at.line}: '${at.specifier}' (${at.kind}): ${rule}` : `source/${file}: ${rule}`;
}
