import type {OpenedDatabase} from '../database/opened-database.ts';
import type {Log} from '../files/log.ts';
import type {HubPaths} from '../files/paths.ts';
import type {Trace} from '../files/trace.ts';
import type {HeldHome} from '../home/held-home.ts';
import type {PublishedState} from '../home/state-file.ts';
import type {Admission} from '../http/admission.ts';
import type {Caller, HubRequest} from '../http/http.ts';
import {UnderWay} from '../http/under-way.ts';
import {createRealtime} from '../realtime/realtime.ts';
import {verifyCaller} from '../tokens/caller.ts';
import {endedResponse, type EndedTokens} from '../tokens/ended.ts';
import type {KeyRing} from '../tokens/key-ring.ts';
import {keysFile} from '../tokens/keys.ts';
import {createCopies} from './copies.ts';
import {Dismissal} from './dismissal.ts';
import {routesOf} from './routes.ts';
import {startServer, type HubServer} from './server.ts';

interface ServeOptions {
	readonly paths: HubPaths;
	readonly opened: OpenedDatabase;
	readonly keys: KeyRing;
	readonly ended: EndedTokens;
	readonly admission: Admission;
	readonly state: PublishedState;
	readonly home: HeldHome;
	/** 0 for any free port. */
	readonly port: number;
	/** The maximum number of connections, so that the limit of open files is not exceeded. */
	readonly maxConnections: number;
	readonly log: Log;
	readonly trace: Trace | undefined;
}

/** Serves the APIs of the hub, and dismisses callers whose tokens end. Rejects as the database does. */
export async function serve(options: ServeOptions): Promise<HubServer> {
	const {paths, opened, keys, ended, admission, state, home, port, maxConnections, log, trace} = options;
	const {database, runaways = () => []} = opened;
	const {handle: copies} = createCopies(opened, paths.data);
	const {pid, version, started_at, proof_key} = state.current;
	const realtime = await createRealtime({
		database,
		verify: token => {
			const caller = verifyCaller(keys.jwt_secret, token);
			const end = 'fault' in caller ? null : ended.find(caller);
			return end === null ? caller : {fault: end};
		},
		onError: error => log(`Realtime failed: ${error instanceof Error ? error.message : String(error)}`),
	});
	const underWay = new UnderWay();
	const dismissal = new Dismissal(database, underWay, log);
	const onRotated = async (request: HubRequest): Promise<void> => {
		home.adopt(keysFile(paths));
		admission.dismiss();
		await dismissal.dismiss(() => true, request);
	};
	const hasEnded = (caller: Caller): boolean => ended.find(caller) !== null;
	ended.onMore = () => {
		realtime.recheck();
		dismissal.cancel(hasEnded);
	};
	ended.onHeeded = request => dismissal.dismiss(hasEnded, request);
	const unfollow = await ended.follow();
	const server = await startServer(
		{
			get jwtSecret() {
				return keys.jwt_secret;
			},
			async refuse(caller: Caller) {
				const end = await ended.findNow(caller);
				return end === null ? null : endedResponse(end);
			},
			routes: routesOf({database, keys, ended, realtime, copies, onRotated}),
			underWay,
			upgrade(request, socket, head, countAs) {
				if (admission.admit(socket)) realtime.upgrade(request, socket, head, countAs);
			},
			health: () => ({status: 'ok', pid, version, started_at, running: database.activity(), runaways: runaways()}),
			local: {state: paths.state, proofKey: proof_key, onSocket: socket => state.change({socket})},
			isInPlace: () => home.isInPlace(),
			maxConnections,
			log,
			trace,
		},
		port,
	);
	return {
		port: server.port,
		socket: server.socket,
		async close() {
			// At once: the first two wait for what the database works on, which the third cancels by closing the connections.
			await Promise.all([unfollow(), realtime.close(), server.close()]);
		},
	};
}
