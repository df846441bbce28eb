import {type Database} from '../../database/database.ts';
import {type Catalog, type Column, type Computed, exposedSchemas, type Routine, type Table} from './catalog.ts';
import {catalogQuery, fingerprintQuery} from './catalog-query.ts';
import {primaryKeyOf, type RelationshipDocument, relationshipsOf} from './catalog-relationships.ts';
import {exposuresOf, type RelationDocument} from './exposure.ts';
import {catalogName, type Name} from './sql.ts';
import {type ViewDocument} from './view-origins.ts';

/** With the priority of mail: all requests wait for the catalog, including mail, and any client that changes the schema causes a reload. */
const owner = {
	role: 'postgres',
	claims: {},
	readOnly: true,
	mail: true,
	settings: {search_path: ''},
};

/** Reads the catalog of the exposed schema. */
export async function readCatalog(database: Database): Promise<Catalog> {
	const [prints, documents] = await database.run(owner, [
		{text: fingerprintQuery},
		{text: catalogQuery, values: [exposedSchemas[0]]},
	]);
	const document = JSON.parse(String(documents?.rows[0]?.['catalog'])) as CatalogDocument;
	return catalogOf(document, String(prints?.rows[0]?.['fingerprint']));
}

export async function readFingerprint(database: Database): Promise<string> {
	const [result] = await database.run(owner, [{text: fingerprintQuery}]);
	return String(result?.rows[0]?.['fingerprint']);
}

// The document that the catalog query builds. Its names come from the database, so they have the type Name.
interface CatalogDocument extends RelationshipDocument {
	readonly tables: readonly (Omit<Table, 'columns' | 'computed' | 'primaryKey'> &
		RelationDocument & {readonly columns: readonly ColumnDocument[] | null})[];
	readonly views: readonly ViewDocument[];
	readonly routines: readonly RoutineDocument[];
	readonly types: readonly (readonly [name: string, display: string, sql: Name])[];
	readonly description: string | null;
}

type ColumnDocument = Omit<Column, 'labels'> & {readonly labels: readonly string[] | null};

interface RoutineDocument extends Pick<Routine, 'schema' | 'name' | 'description' | 'volatility' | 'set'> {
	readonly type: Name;
	readonly display: string;
	/** The type that a domain is based on. */
	readonly base: string;
	readonly rowOf: string | null;
	readonly isRow: boolean;
	/** The number of rows that it declares (ROWS). */
	readonly rows: number;
	readonly columns: readonly ColumnDocument[] | null;
	readonly defaults: number;
	readonly parameters:
		| readonly {
				readonly name: Name;
				readonly mode: string;
				readonly type: Name;
				readonly display: string;
				readonly rowOf: string | null;
		  }[]
		| null;
}

function catalogOf(document: CatalogDocument, fingerprint: string): Catalog {
	const computed = computedColumns(document.routines);
	const exposures = exposuresOf(document.tables, document.views);
	const byNumber = new Map<number, Table>(
		document.tables.map(({oid, numbers: _numbers, ...table}) => [
			oid,
			{
				...table,
				primaryKey: primaryKeyOf(oid, document.keys, exposures),
				columns: columnsOf(table.columns ?? []),
				computed: computed.get(table.name) ?? new Map<string, Computed>(),
			},
		]),
	);
	const tables = new Map<string, Table>([...byNumber.values()].map(table => [table.name, table]));
	const routines = new Map<string, Routine[]>();
	for (const each of document.routines) {
		const routine = routineOf(each, tables);
		if (routine !== null) routines.set(routine.name, [...(routines.get(routine.name) ?? []), routine]);
	}
	const types = new Map<string, Name>(moreTypeNames.map(([name, sql]) => [name, catalogName(sql)]));
	for (const [name, display, sql] of document.types) types.set(name, sql).set(display, sql);
	const relationships = relationshipsOf(document, {tables: byNumber, exposures});
	return {
		tables,
		relationships,
		routines,
		types,
		description: document.description,
		fingerprint,
	};
}

// Names that are in PostgreSQL's grammar, but not in its catalog.
const moreTypeNames = [
	['int', 'integer'],
	['decimal', 'numeric'],
	['dec', 'numeric'],
	['float', 'double precision'],
	['char', 'character'],
] as const;

function columnsOf(columns: readonly ColumnDocument[]): ReadonlyMap<string, Column> {
	return new Map(columns.map(column => [column.name, {...column, labels: column.labels ?? []}]));
}

function computedColumns(routines: readonly RoutineDocument[]): Map<string, Map<string, Computed>> {
	const computed = new Map<string, Map<string, Computed>>();
	for (const {schema, name, base, set, parameters} of routines) {
		const [row, ...others] = parameters ?? [];
		if (row === undefined || row.rowOf === null || others.length > 0 || set) continue;
		const ofTable = computed.get(row.rowOf) ?? new Map<string, Computed>();
		computed.set(row.rowOf, ofTable.set(name, {schema, name, base}));
	}
	return computed;
}

const unnamedTypes = new Set(['json', 'jsonb', 'text', 'xml', 'bytea']);

/** Null for a function that a request cannot call, because it has unnamed parameters. */
function routineOf(document: RoutineDocument, tables: ReadonlyMap<string, Table>): Routine | null {
	const {schema, name, description, volatility, set, defaults} = document;
	const all = document.parameters ?? [];
	const inputs = all.filter(({mode}) => mode === 'i' || mode === 'b' || mode === 'v');
	const outputs = all.filter(({mode}) => mode === 'o' || mode === 'b' || mode === 't');
	const unnamed = inputs.filter(input => input.name === '');
	const single = inputs.length === 1 && unnamedTypes.has(inputs[0]?.display ?? '');
	if (unnamed.length > 0 && !single) return null;
	const table = document.rowOf === null ? null : (tables.get(document.rowOf) ?? null);
	const columns =
		outputs.length > 0 && table === null
			? new Map(
					outputs.map(({name, type, display}) => [
						name as string,
						{...outputColumn, name, type, display, base: display},
					]),
				)
			: columnsOf(document.columns ?? []);
	return {
		schema,
		name,
		description,
		volatility,
		set,
		table,
		columns,
		returns: returnsOf(document, outputs.length > 0),
		parameters: inputs.map(({name, type, display, mode}, index) => ({
			name,
			type,
			display,
			required: index < inputs.length - defaults,
			variadic: mode === 'v',
		})),
	};
}

function returnsOf({display, base, isRow}: RoutineDocument, named: boolean): Routine['returns'] {
	if (display === 'void') return 'void';
	if (isRow || named) return 'row';
	return base === 'record' ? 'record' : 'scalar';
}

const outputColumn = {nullable: true, default: null, maxLength: null, labels: [], description: null};
