import {circleFaults} from './circles.ts';
import {storage, type Fault} from './faults.ts';
import {folderFaults} from './folder.ts';
import {handOverFaults} from './hand-over.ts';
import {historyFaults} from './history.ts';
import {lanes} from './lanes.ts';
import {leases} from './leases.ts';
import {load} from './load.ts';
import {machines} from './machines.ts';
import {memory} from './memory.ts';
import {network} from './network.ts';
import {offlineWords} from './offline.ts';
import {resources} from './resources.ts';
import {slow} from './slow.ts';
import {sockets} from './sockets.ts';
import {tasks} from './tasks.ts';
import {upgrade} from './upgrade.ts';

/** Every fault of the suite, in the order of its table. A new one goes into the list of its file, a new file in here. */
const all: readonly Fault[] = [
	...storage,
	...folderFaults,
	...resources,
	...memory,
	...historyFaults,
	...network,
	...sockets,
	...machines,
	...load,
	...offlineWords,
	...handOverFaults,
	...tasks,
	...leases,
	...circleFaults,
	...upgrade,
	...slow,
	...lanes,
];

/** The database that it is done to. */
export function engineOf({engine = 'pglite'}: Fault): 'pglite' | 'postgres' {
	return engine;
}

/** Those of the short run, or of the long one, where a long one takes the place of a short one of the same name and engine. */
export function faultsOf(run: 'short' | 'long'): readonly Fault[] {
	const isLong = (fault: Fault): boolean => fault.long === true;
	if (run === 'short') return all.filter(fault => !isLong(fault));
	const same = (one: Fault, other: Fault): boolean => one.what === other.what && engineOf(one) === engineOf(other);
	return all.filter(fault => isLong(fault) || !all.some(other => isLong(other) && same(other, fault)));
}
