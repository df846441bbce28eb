import type {Trace} from '../../hub/files/trace.ts';
import {age} from '../../join/hook/deadline.ts';
import type {Call} from '../../join/hook/rpc.ts';

/** Traces each call of a hook with a line: the event by the client's own name, the function, and how long it took. */
export function traced(event: string, call: Call, trace: Trace | undefined): Call {
	if (trace === undefined) return call;
	return async (name, args, columns) => {
		const since = age();
		const note = (answer: string): void => trace(`${event}: ${name}: ${answer} in ${Math.round(age() - since)} ms`);
		try {
			const result = await call(name, args, columns);
			note(Array.isArray(result) ? `${result.length} rows` : 'answered');
			return result;
		} catch (error) {
			note('failed');
			throw error;
		}
	};
}
