import {comma, identifier, generatedName, sql, type Sql, value} from '../catalog/sql.ts';

// PostgreSQL functions take at most a hundred arguments.
const maxPairs = 50;

/** A JSON object from a row `r` with the columns c0, c1, ... under these keys. The keys are parameters, too. */
export function renderObject(keys: readonly string[]): Sql {
	const pairs = keys.map((key, index) => ({
		key: sql`${value(key)}::text`,
		column: sql`"r".${identifier(generatedName('c', index))}`,
	}));
	if (pairs.length <= maxPairs)
		return sql`json_build_object(${comma(pairs.map(({key, column}) => sql`${key}, ${column}`))})`;
	const values = pairs.map(({key, column}, index) => sql`(${value(String(index))}::int, ${key}, to_json(${column}))`);
	return sql`(select json_object_agg("k", "v" order by "i") from (values ${comma(values)}) as "p"("i", "k", "v"))`;
}
