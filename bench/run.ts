// npm run bench [-- NAME ...] [-- --write] [-- --check]: prints each figure beside its floor, measured in the same run; --write renews
// the rows of bench/RESULTS.md between its markers; --check fails if a ratio is worse than the recorded one by more than a fifth, twice in a row.
// --messages=N: how long the history is in which `search` searches, and with which the hub starts; a million takes about ten minutes.
import {harness, insertToModel} from './agents.ts';
import {oneQuestion} from './commands.ts';
import {fanOut, insertToSubscriber} from './fan-out.ts';
import {firstStart} from './first-start.ts';
import {oldUnackedMessage} from './inbox.ts';
import {durableInserts, durableInsertsOnPostgres} from './inserts.ts';
import {hubStart} from './hub-start.ts';
import {hookGivesUp, hookWithoutMail, statusLine} from './hook.ts';
import {insertToScreen} from './insert-to-screen.ts';
import {keyToBytes} from './key-to-bytes.ts';
import {mcpMailboxes} from './mcp-mailboxes.ts';
import {machine, withHub, type Figure, type Hub} from './measure.ts';
import {hubMemory} from './memory.ts';
import {renew, resultsFile, verdict, worseThanRecorded} from './results.ts';
import {searchInHistory} from './search.ts';
import {loadedModules, startUp} from './start-up.ts';
import {startToFirstFrame} from './start.ts';
import {watchedInserts, watchedInsertsOverRest} from './watched-inserts.ts';

const onHub: Record<string, (hub: Hub) => Promise<Figure | Figure[]> | Figure[]> = {
	'start-up': startUp,
	modules: loadedModules,
	start: startToFirstFrame,
	'insert-to-screen': insertToScreen,
	'insert-to-subscriber': insertToSubscriber,
	'key-to-bytes': keyToBytes,
	'fan-out': fanOut,
	inserts: durableInserts,
	watch: watchedInsertsOverRest,
	commands: oneQuestion,
	hook: hookWithoutMail,
	'hook-gives-up': hookGivesUp,
	'status-line': statusLine,
	'mcp-mailboxes': mcpMailboxes,
	memory: hubMemory,
};
const words = process.argv.slice(2);
const wanted = words.filter(word => !word.startsWith('--'));
const chosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

const figures: Figure[] = [];
function tell(figure: Figure): void {
	figures.push(figure);
	const verdict = figure.met === null ? '' : figure.met ? '  met' : '  MISSED';
	console.log(
		`${figure.what}\n  measured  ${figure.measured}\n  floor     ${figure.floor}\n  goal      ${figure.goal}${verdict}\n`,
	);
}

const compare = (measured: readonly Figure[]): string[] => worseThanRecorded(resultsFile, 'results', 'end', measured);

console.log(`${machine()}\n`);
if (chosen('first-start')) tell(firstStart());
if (chosen('inbox')) (await oldUnackedMessage()).forEach(tell);
if (chosen('inserts-postgres')) tell(await durableInsertsOnPostgres());
if (chosen('watch')) (await watchedInserts()).forEach(tell);
const messages = Number(words.find(word => word.startsWith('--messages='))?.split('=')[1] ?? 20_000);
if (chosen('hub-start')) tell(await hubStart(messages));
if (chosen('search')) {
	(await searchInHistory(messages)).forEach(tell);
}
if (harness !== '' && chosen('agents')) insertToModel().forEach(tell);
const isChecked = words.includes('--check');
const worse = isChecked ? compare(figures) : [];
const names = Object.keys(onHub).filter(name => chosen(name));
if (names.length > 0) {
	await withHub(async hub => {
		for (const name of names) {
			const measure = onHub[name];
			if (measure === undefined) continue;
			const first = [await measure(hub)].flat();
			first.forEach(tell);
			if (isChecked && compare(first).length > 0) {
				console.log('Measured again, since a ratio is worse than recorded:\n');
				const second = [await measure(hub)].flat();
				second.forEach(tell);
				const failed = new Set(first.filter(figure => compare([figure]).length > 0).map(({what}) => what));
				worse.push(...compare(second.filter(({what}) => failed.has(what))));
			}
		}
	});
}

if (words.includes('--write')) {
	const rows = figures.map(({what, measured, floor, goal, met}) => [what, measured, floor, goal, verdict(met)]);
	renew(
		resultsFile,
		'results',
		'end',
		['figure', 'measured', 'floor in the same run', 'goal', ''],
		rows,
		wanted.length === 0 ? undefined : 1,
	);
}
for (const sentence of worse) console.error(sentence);
process.exit(worse.length === 0 ? 0 : 1);
