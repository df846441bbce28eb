import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {Target} from '../../config.ts';
import type {Client} from '../../join/clients/clients.ts';
import type {Participant} from '../../join/participant.ts';
import type {Tag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {shellWord} from '../cli/launcher.ts';
import type {HookCredentials} from '../connect/credentials.ts';
import {participantArguments, type Chosen} from './participants.ts';

export function joinedText({tag, folder}: Participant, changes: boolean, files: readonly string[]): Printable {
	const what = changes ? 'has joined in' : 'had already joined in';
	return p`${printable(tag)} ${what} ${printable(folder)}: ${printable(files.join(', '))}.`;
}

export function besideText({tag, folder}: Participant): Printable {
	return p`${printable(tag)} has joined, without files of its own: ${printable(folder)} is another agent's folder.`;
}

type Project = Extract<Target, {kind: 'supabase'}>;

/** What the user needs to know if the mailbox is a hosted project. */
export function hosted({url, key: known, public_key}: Project, {key, account}: HookCredentials, tag: Tag): Printable[] {
	return [
		p`Its mailbox is at ${printable(url)}. ${
			account === null
				? p`It has no token there, so messages from ${printable(tag)} are shown as unverified.`
				: p`It signs in there as ${printable(account.email)}, a user created for it.`
		}`,
		key === null
			? p`Start it with SUPABASE_URL and a key in its environment: they are not stored in a file, and without them its hooks deliver no mail.`
			: p`Its hooks use the key from the config file, which was copied to a file that only you can read.`,
		...(public_key === undefined && !isPublic(known)
			? [
					p`That is a secret key, which gives ${printable(tag)} full access: set SUPABASE_PUBLISHABLE_KEY (or publishable_key in the config file) as well, and join again.`,
				]
			: []),
	];
}

/** Whether a key is a publishable one, judged by its format or by the role in it. */
function isPublic(key: string): boolean {
	if (key.startsWith('sb_publishable_')) return true;
	try {
		const claims: unknown = JSON.parse(Buffer.from(key.split('.')[1] ?? '', 'base64url').toString('utf8'));
		return (claims as {readonly role?: unknown} | null)?.role === 'anon';
	} catch {
		return false;
	}
}

/** How to start the agents that have joined, what to type there, and how to watch and undo it. */
export function whatNext(
	chosen: Chosen,
	playing: (participant: Chosen['participants'][number]) => readonly Client[],
	program: Printable,
): Printable[] {
	const {recipe, participants} = chosen;
	const clients = [...new Set(participants.flatMap(playing))];
	const watch = [p`To watch and join in:`, p`  ${program}`];
	if (recipe === null) {
		const folder = participants[0]?.folder ?? '';
		return [...clients.flatMap(client => howToStart(client, folder, clients.length > 1)), ...watch];
	}
	const instead = (those: readonly Client[]): string =>
		those.every(({wakes}) => wakes) ? 'nothing: mail wakes it' : 'anything: it then reads its mail';
	const typed = participants.flatMap(participant => [
		...playing(participant).map(client => startLine(participant.folder, client)),
		p`    ${printable(participant.first ?? `(${instead(playing(participant))})`)}`,
	]);
	const consent = clients.map(client => client.consent).join(' or ');
	const undo = ['leave', ...participantArguments(chosen)].map(shellWord).join(' ');
	const page = join(recipe.folder, 'README.md');
	return [
		p`Start each in its own terminal, ${printable(consent)} when it asks, and type something like:`,
		...typed,
		...watch,
		...(existsSync(page) ? [p`To read about what happens next:`, p`  ${printable(page)}`] : []),
		p`To undo all of this:`,
		p`  ${program} ${printable(undo)}`,
	];
}

function howToStart(client: Client, folder: string, several: boolean): Printable[] {
	const whose = several ? p`the terminal of ${printable(client.name)}` : 'its terminal';
	const below = client.inherits ? '' : ' (not in a subfolder: its hooks would not run)';
	return [p`Start ${whose} there${below}, and ${printable(client.consent)} when it asks:`, startLine(folder, client)];
}

function startLine(folder: string, {program}: Client): Printable {
	return p`  cd ${printable(shellWord(folder))} && ${printable(program)}`;
}
