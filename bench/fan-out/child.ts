import {fork, type ChildProcess} from 'node:child_process';
import path from 'node:path';

/** A process of this folder that is spoken with over IPC. `In` is what it is told, `Out` what it says. */
export class Child<In extends object, Out extends object> {
	readonly #process: ChildProcess;
	readonly #said: Out[] = [];
	#waiting: ((message: Out) => void) | null = null;

	constructor(file: string) {
		this.#process = fork(path.join(import.meta.dirname, file));
		this.#process.on('message', message => {
			const waiting = this.#waiting;
			this.#waiting = null;
			if (waiting === null) this.#said.push(message as Out);
			else waiting(message as Out);
		});
	}

	tell(message: In): void {
		this.#process.send(message);
	}

	/** The next thing that it says, which must have a member of that name. */
	async hear<Name extends string>(name: Name): Promise<Extract<Out, {readonly [key in Name]: unknown}>> {
		const message = this.#said.shift() ?? (await new Promise<Out>(resolve => (this.#waiting = resolve)));
		if (name in message) return message as Extract<Out, {readonly [key in Name]: unknown}>;
		throw new Error(`expected ${name}: ${JSON.stringify(message).slice(0, 200)}`);
	}

	end(): void {
		this.#process.disconnect();
	}
}
