-- Announces each change of a watched table, twice: as it is fixed for everybody on the table's own channel, and on
-- the channel "signalbox" with what a cache needs besides: the transaction, the time, the schema, the key before.
-- Arguments: key column, schema, table, channel. Never makes the change itself fail: what cannot be said whole is
-- announced as truncated.
CREATE OR REPLACE FUNCTION signalbox.announce() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $announce$
DECLARE
    payload_bytes_max CONSTANT integer := 7999;
    old_row jsonb;
    new_row jsonb;
    key_value jsonb;
    key_before jsonb;
    row_data json;
    is_whole boolean := true;
    change text;
    short text;
    head text;
BEGIN
    BEGIN
        CASE TG_OP
        WHEN 'INSERT' THEN
            new_row := to_jsonb(NEW);
            key_value := new_row -> TG_ARGV[0];
            row_data := row_to_json(NEW);
        WHEN 'UPDATE' THEN
            old_row := to_jsonb(OLD);
            new_row := to_jsonb(NEW);
            key_value := new_row -> TG_ARGV[0];
            key_before := nullif(old_row -> TG_ARGV[0], key_value);
            row_data := json_build_object(
                'old', row_to_json(OLD),
                'new', row_to_json(NEW),
                'diff', (
                    SELECT coalesce(json_object_agg(field.key, field.value), '{}'::json)
                    FROM jsonb_each(new_row) AS field
                    WHERE field.value IS DISTINCT FROM old_row -> field.key
                )
            );
        WHEN 'DELETE' THEN
            old_row := to_jsonb(OLD);
            key_value := old_row -> TG_ARGV[0];
            row_data := row_to_json(OLD);
        ELSE
            NULL; -- TRUNCATE has neither key nor row.
        END CASE;
    EXCEPTION WHEN OTHERS THEN
        -- A row that JSON cannot hold, such as one over 256 MB: its key alone.
        is_whole := false;
        row_data := NULL;
        IF TG_OP = 'DELETE' THEN
            EXECUTE format('SELECT to_jsonb(($1).%I)', TG_ARGV[0]) INTO key_value USING OLD;
        ELSE
            EXECUTE format('SELECT to_jsonb(($1).%I)', TG_ARGV[0]) INTO key_value USING NEW;
        END IF;
        IF TG_OP = 'UPDATE' THEN
            EXECUTE format('SELECT to_jsonb(($1).%I)', TG_ARGV[0]) INTO key_before USING OLD;
            key_before := nullif(key_before, key_value);
        END IF;
    END;

    IF payload_bytes_max / 4 < octet_length(key_value::text) THEN
        key_value := NULL;
        key_before := NULL;
        is_whole := false;
    END IF;
    short := json_build_object(
        'table', TG_ARGV[2], 'id', key_value, 'type', TG_OP, 'data', NULL, 'truncated', true)::text;
    change := CASE WHEN is_whole
        THEN json_build_object('table', TG_ARGV[2], 'id', key_value, 'type', TG_OP, 'data', row_data)::text
        ELSE short END;
    head := concat(
        '{"xid":"', pg_current_xact_id(),
        '","at_us":', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        ',"schema":', to_json(TG_ARGV[1]),
        ',"was":', coalesce(key_before::text, 'null'),
        ',"change":');
    PERFORM pg_notify(TG_ARGV[3], CASE WHEN octet_length(change) <= payload_bytes_max THEN change ELSE short END);
    PERFORM pg_notify('signalbox', head
        || CASE WHEN octet_length(head) + octet_length(change) < payload_bytes_max THEN change ELSE short END || '}');
    RETURN NULL;
END
$announce$;
