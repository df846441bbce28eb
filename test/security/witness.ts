import {createClient} from '@supabase/supabase-js';
import type {Tally} from './attack.ts';
import type {Target} from './target.ts';

/** A well-behaved client, which must be served whatever others do. It reads, writes and subscribes like an agent. */
export class Witness {
	readonly #target: Target;
	#count = 0;

	constructor(target: Target) {
		this.#target = target;
	}

	/** Reads and writes a few times; each must be answered with success in `seconds`. */
	async isServed(tally: Tally, where: string, {times = 4, seconds = 15} = {}): Promise<void> {
		const token = this.#target.hub.tokenFor('WITNESS');
		for (let turn = 0; turn < times; turn += 1) {
			const body = {content: `[WITNESS] ${(this.#count += 1)}`};
			const [method, path, given] =
				turn % 2 === 0 ? (['GET', '?limit=1', undefined] as const) : (['POST', '', body] as const);
			const begun = performance.now();
			const said = await within(seconds, this.#target.ask(token, method, `/rest/v1/messages${path}`, given)).then(
				({status, text}) => (status < 300 ? null : `${status} ${text}`),
				(error: unknown) => String(error),
			);
			const took = Math.round(performance.now() - begun);
			tally.expectHarmless(said === null, `${where}: a client is not served`, `${said} after ${took} ms`);
		}
	}

	/** Opens a socket and receives its own message. */
	async hears(tally: Tally, where: string): Promise<void> {
		const {hub} = this.#target;
		// By a key of its own: those who come with the public one share the room for that.
		const client = createClient(hub.url, hub.tokenFor('WITNESS'));
		const heard = new Promise<void>((resolve, reject) => {
			client
				.channel('witness')
				.on('postgres_changes', {event: 'INSERT', schema: 'public', table: 'messages'}, () => resolve())
				.on('system', {}, () => {
					client.from('messages').insert({content: '[WITNESS] hear me'}).then(undefined, reject);
				})
				// Where it fails, supabase-js tries again; so does everybody's client.
				.subscribe();
		});
		const said = await within(20, heard).then(
			() => null,
			(error: unknown) => String(error),
		);
		await client.realtime.disconnect();
		tally.expectHarmless(said === null, `${where}: a client hears nothing`, said);
	}
}

/** Rejects when it takes longer. */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${seconds} s`)), seconds * 1000);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		clearTimeout(timer);
	}
}
