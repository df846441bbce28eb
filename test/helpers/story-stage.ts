import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {TerminalStage, textsIn, until, type Model, type ModelRequest} from './terminal-stage.ts';

/** What is killed in the middle of a story: an agent's client, the hub, or both with all that the client has started. */
export type Kill = 'agent' | 'hub' | 'both';

/** What somebody was told, and how many milliseconds after it had happened. */
interface Notice {
	readonly what: string;
	readonly ms: number;
}

/**
 * A recipe as its page says to set it up: a terminal for each agent, the human's screen beside them, and nothing allowed in advance
 * but what join writes. Nobody types but the first prompt. What the client asks a permission for is answered with Enter, once the
 * human's screen shows that the agent waits.
 */
export class StoryStage extends TerminalStage {
	readonly told: Notice[] = [];
	/** What agents were told, likewise. */
	readonly woken: Notice[] = [];
	readonly #panes = new Map<string, number>();
	#model: Model | null = null;

	/** The agents of the recipe at their prompts, each with its rules: later stages first, because news may hold several. */
	async begin(recipe: string, rules: {readonly [tag: string]: readonly object[]}): Promise<void> {
		this.agentmux('join', '--recipe', recipe, '--dir', this.root);
		const agents = Object.entries(rules).map(([tag, own]) => [
			tag,
			{steps: [], rules: own, otherwise: {say: 'Nothing to do.'}},
		]);
		this.#model = await this.startModel(Object.fromEntries(agents) as object);
		this.openOverview();
		for (const tag of Object.keys(rules)) {
			this.#panes.set(tag, await this.open(tag, this.model.url, {folder: tag.toLowerCase()}));
		}
		await until('the human sees them', () => Object.keys(rules).every(tag => this.#sees(tag, 'idle')));
	}

	get model(): Model {
		if (this.#model === null) throw new Error('The story has not begun.');
		return this.#model;
	}

	paneOf(tag: string): number {
		return this.#panes.get(tag) ?? -1;
	}

	/** What the human types, once. */
	prompt(tag: string, text: string): Promise<void> {
		return this.type(this.paneOf(tag), text);
	}

	/** Until its model has said this, or is about to. */
	saying(tag: string, text: string, seconds = 90): Promise<void> {
		return until(`${tag} says: ${text}`, () => this.model.said(tag, text), seconds);
	}

	/** Until the client asks for a permission and the human sees that. */
	async asking(tag: string): Promise<void> {
		await until(`${tag} asks for a permission`, () => this.#asks(tag), 90);
		await this.sees(tag, 'blocked', performance.now());
	}

	/** Grants the permission that the client asks for. */
	async permit(tag: string): Promise<void> {
		await this.asking(tag);
		this.tmux('send-keys', '-t', `%${this.paneOf(tag)}`, 'Enter');
		await until(`${tag} goes on`, () => !this.#asks(tag));
	}

	/** Until the human sees the agent in this state; notes how long that took. */
	async sees(tag: string, state: string, since: number): Promise<void> {
		await until(`the human sees that ${tag} is ${state}`, () => this.#sees(tag, state));
		this.told.push(notice(`${tag} is ${state}`, since));
	}

	/**
	 * Kills what the story is about, waits until the human sees that the agent has gone, and starts it again as its user would:
	 * without a word.
	 */
	async killAndRestart(kill: Kill, tag: string): Promise<void> {
		const {pid} = JSON.parse(this.agentmux('hub', 'status', '--json')) as {pid: number};
		const client = this.#clientOf(tag);
		let since = performance.now();
		if (kill === 'agent') process.kill(client, 'SIGKILL');
		if (kill === 'both') killTree(client);
		if (kill !== 'agent') {
			process.kill(pid, 'SIGKILL');
			await until('the human sees that the hub is gone', () => !this.#isLive());
			this.told.push(notice('the hub is gone', since));
			await until('the hub is back', () => this.#isLive());
			this.woken.push(notice('the hub is back', since));
			// Nothing can be said of agents before.
			since = performance.now();
		}
		if (kill === 'hub') return;
		await this.sees(tag, 'away', since);
		await this.reopen(this.paneOf(tag), tag, this.model.url, {
			folder: tag.toLowerCase(),
			words: ['--continue'],
			seen: false,
		});
	}

	/** How the messages reached the models of these agents. */
	handedOver(): HandedOver[] {
		return [...this.#panes.keys()].flatMap(agent => handedTo(agent, this.model.requests()));
	}

	#isLive(): boolean {
		return this.overview().includes('● live');
	}

	#asks(tag: string): boolean {
		return this.screen(this.paneOf(tag)).includes('Do you want');
	}

	#sees(tag: string, state: string): boolean {
		return new RegExp(`[●◌◐○×] ${tag}\\b.* ${state}\\b`).test(this.overview());
	}

	/** The process of the client, from the record that the agent's server keeps. */
	#clientOf(tag: string): number {
		const folder = path.join(this.home, 'state/clients');
		const records = readdirSync(folder).map(
			name => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as {tag: string; client: {pid: number}},
		);
		const pid = records.find(record => record.tag === tag)?.client.pid;
		if (pid === undefined) throw new Error(`No client of ${tag} is recorded.`);
		return pid;
	}
}

export function notice(what: string, since: number): Notice {
	return {what, ms: Math.round(performance.now() - since)};
}

/** A message as the model of an agent had it. */
export interface HandedOver {
	readonly agent: string;
	readonly id: number;
	/** How often it stands there without a label: at most, in one request. */
	readonly plain: number;
	/** Its labels, `2nd`. */
	readonly again: readonly string[];
}

function handedTo(agent: string, requests: readonly ModelRequest[]): HandedOver[] {
	const found = new Map<number, {plain: number; again: Set<string>}>();
	for (const request of requests) {
		if (request.agent !== agent) continue;
		// What its model asked for again is no hand-over.
		const texts = textsIn(request.body.messages).filter(text => !text.includes(`that ${agent} already has`));
		const heads = texts.flatMap(text => [
			...text.matchAll(/^#(\d+) from [\w-]+ \([^)\n]*\), [^\n]*?(?:, again \((\w+)\))?:$/gm),
		]);
		const counts = new Map<number, number>();
		for (const [, id, label] of heads) {
			const own = found.get(Number(id)) ?? {plain: 0, again: new Set()};
			found.set(Number(id), own);
			if (label !== undefined) own.again.add(label);
			else counts.set(Number(id), (counts.get(Number(id)) ?? 0) + 1);
			own.plain = Math.max(own.plain, counts.get(Number(id)) ?? 0);
		}
	}
	return [...found].map(([id, {plain, again}]) => ({agent, id, plain, again: [...again]}));
}

/** Kills a process and all that it has started. */
function killTree(pid: number): void {
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
	process.kill(pid, 'SIGKILL');
	for (const child of children === '' ? [] : children.split(' ')) killTree(Number(child));
}
