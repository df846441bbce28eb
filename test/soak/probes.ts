import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';

/** Asks programs how much memory is alive in them, which the system does not know: most of what it counts is garbage. */
export class Probes {
	readonly #folder = mkdtempSync(join(tmpdir(), 'agentmux-soak-'));

	/** For the programs that are to be asked. */
	get env(): {readonly [name: string]: string} {
		return {
			NODE_OPTIONS: `--expose-gc --import=${new URL('probe.mjs', import.meta.url).href}`,
			AGENTMUX_SOAK_PROBES: this.#folder,
		};
	}

	/** More for one that is to leak as many bytes a second. */
	leaking(bytes: number): {readonly [name: string]: string} {
		return {AGENTMUX_SOAK_LEAK: String(bytes)};
	}

	/** MB of each thread of that process, the main one first. */
	async alive(pid: number): Promise<number[]> {
		const sockets = readdirSync(this.#folder)
			.filter(name => name.startsWith(`${pid}-`))
			.sort();
		return Promise.all(sockets.map(async name => Number(await text(connect({path: join(this.#folder, name)}))) / 1e6));
	}

	dispose(): void {
		rmSync(this.#folder, {recursive: true, force: true});
	}
}
