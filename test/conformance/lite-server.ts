import {createRequire} from 'node:module';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

// Run as a separate process by lite.ts, which passes the path of the package and the database to serve.
process.once('message', (told: Told) => {
	void start(told).then(port => process.send?.({port}));
});

interface Told {
	readonly folder: string;
	readonly jwtSecret: string;
	readonly connectionString: string;
}

interface Served {
	fetch(request: Request): Promise<Response>;
}

async function start(told: Told): Promise<number> {
	const within = createRequire(path.join(told.folder, 'package.json'));
	const load = async (name: string): Promise<Record<string, (...args: unknown[]) => unknown>> =>
		import(pathToFileURL(path.join(told.folder, 'node_modules', name)).href) as Promise<
			Record<string, (...args: unknown[]) => unknown>
		>;
	const lite = await load('@supabase/lite/dist/index.js');
	const postgres = await load('@supabase/lite/dist/db/postgres/PostgresConnection.js');
	const App = lite['App'] as unknown as new (config: object) => Served;
	const app = new App({
		connection: postgres['createPostgresConnection']?.({url: told.connectionString}),
		api: {schemas: ['public'], extra_search_path: ['public', 'extensions'], max_rows: 1000},
		auth: {enabled: false, jwt_secret: told.jwtSecret},
	});
	const {serve} = within('@hono/node-server') as {
		serve: (options: object, listening: (address: {port: number}) => void) => void;
	};
	return new Promise(resolve => {
		serve({fetch: (request: Request) => app.fetch(request), hostname: '127.0.0.1', port: 0}, ({port}) => resolve(port));
	});
}
