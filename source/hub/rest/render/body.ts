import {type Name, catalogText, comma, generatedName, identifier, sql, type Sql} from '../catalog/sql.ts';

export const bodyAlias: Name = generatedName('b', 0);

/** The rows of a request's body. */
export const body: Sql = identifier(bodyAlias);

/** A column definition list, for the functions that turn JSON into rows. */
export function typedColumns(columns: readonly {readonly name: Name; readonly type: Name}[]): Sql {
	return comma(columns.map(({name, type}) => sql`${identifier(name)} ${catalogText(type)}`));
}
