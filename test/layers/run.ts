/**
 * `npm run layers`: whether source/ keeps to layers.ts, in what it imports and where it has state, and the picture of what
 * imports what. Exits with 1 when it does not.
 * --quiet: without the picture. --limit-files: a folder of more than 25 files is an error. --source DIR: instead of source/.
 */
import {parseArgs} from 'node:util';
import {check, type Violation} from './check.ts';
import {stateless} from './layers.ts';
import {largeFolders, picture} from './picture.ts';
import {checkState} from './state.ts';
import {readTree, sourceFolder} from './tree.ts';

const maxFiles = 25;

const {values} = parseArgs({
	options: {
		quiet: {type: 'boolean', default: false},
		'limit-files': {type: 'boolean', default: false},
		source: {type: 'string', default: sourceFolder},
	},
});
const tree = readTree(values.source);
const violations = [...check(tree), ...checkState(tree.files, stateless, values.source)];
const large = largeFolders(tree, maxFiles).map(
	([folder, count]) => `source/${folder} has ${count} files (at most ${maxFiles}).`,
);

const errors = [...violations.map(lineOf), ...(values['limit-files'] ? large : [])];

if (!values.quiet) console.log([picture(tree, violations), ...large].join('\n'));
for (const error of errors) console.error(error);
if (errors.length > 0) process.exitCode = 1;

function lineOf({file, import: at, rule}: Violation): string {
	return at ? `source/${file}:${at.line}: '${at.specifier}' (${at.kind}): ${rule}` : `source/${file}: ${rule}`;
}
