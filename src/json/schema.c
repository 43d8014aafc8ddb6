// SPDX-License-Identifier: Apache-2.0
// JSON schemas from the tables that read and the shapes that write.
#include <pinfold/json_show.h>

#include <stdio.h>

static void type_is(struct json_out *o, const char *type, bool or_null)
{
    if (!or_null) {
        json_str(o, "type", type);
        return;
    }
    json_begin_array(o, "type");
    json_str(o, NULL, type);
    json_str(o, NULL, "null");
    json_end_array(o);
}

static void ref(struct json_out *o, const char *schema)
{
    char text[120];
    (void)snprintf(text, sizeof(text), "#/components/schemas/%s", schema); // names are short
    json_str(o, "$ref", text);
}

static void doc(struct json_out *o, const char *text)
{
    if (text)
        json_str(o, "description", text);
}

// --- shapes ---------------------------------------------------------------------------------

static void words(struct json_out *o, const struct json_show *row)
{
    json_begin_array(o, "enum");
    for (uint32_t i = 0; i < row->n_words; i++)
        json_str(o, NULL, row->word(i));
    json_end_array(o);
}

static void map_of_strings(struct json_out *o)
{
    json_begin(o, "additionalProperties");
    json_str(o, "type", "string");
    json_end(o);
}

static void list_of_strings(struct json_out *o)
{
    json_begin(o, "items");
    json_str(o, "type", "string");
    json_end(o);
}

static void sub_shape(struct json_out *o, const struct json_show *row, json_need_fn *need,
                      void *arg)
{
    need(arg, row->sub, NULL);
    if (row->list) {
        type_is(o, "array", false);
        json_begin(o, "items");
        ref(o, row->sub->name);
        json_end(o);
    } else if (row->flags & SHOW_EMPTY_NULL) {
        json_begin_array(o, "anyOf");
        json_begin(o, NULL);
        ref(o, row->sub->name);
        json_end(o);
        json_begin(o, NULL);
        json_str(o, "type", "null");
        json_end(o);
        json_end_array(o);
    } else {
        ref(o, row->sub->name);
    }
}

static void shape_row(struct json_out *o, const struct json_show *row, json_need_fn *need,
                      void *arg)
{
    enum json_show_type type = row->type == SHOW_CALL ? row->like : row->type;
    bool or_null = row->flags & SHOW_EMPTY_NULL;
    if (row->sub) {
        sub_shape(o, row, need, arg);
        doc(o, row->doc);
        return;
    }
    switch (type) {
    case SHOW_BOOL:
        type_is(o, "boolean", or_null);
        break;
    case SHOW_I32:
    case SHOW_U32:
    case SHOW_U64:
        type_is(o, "integer", or_null);
        break;
    case SHOW_CHARS:
    case SHOW_STRING:
        type_is(o, "string", or_null);
        break;
    case SHOW_TIME:
        type_is(o, "string", true);
        json_str(o, "format", "date-time");
        break;
    case SHOW_WORD:
        type_is(o, "string", or_null);
        words(o, row);
        break;
    case SHOW_ENV:
        type_is(o, "object", or_null);
        map_of_strings(o);
        break;
    case SHOW_STRINGS:
        type_is(o, "array", or_null);
        list_of_strings(o);
        break;
    case SHOW_OBJECT:
    case SHOW_CALL: // `like` left out: any object
        type_is(o, "object", or_null);
        break;
    }
    doc(o, row->doc);
}

void json_shape_schema(struct json_out *o, const char *name, const struct json_shape *shape,
                       json_need_fn *need, void *arg)
{
    json_begin(o, name);
    json_str(o, "type", "object");
    json_begin(o, "properties");
    for (uint32_t i = 0; i < shape->n_rows; i++) {
        json_begin(o, shape->rows[i].name);
        shape_row(o, &shape->rows[i], need, arg);
        json_end(o);
    }
    json_end(o);
    json_end(o);
}

// --- tables ---------------------------------------------------------------------------------

static void bounds(struct json_out *o, const struct json_field *f, const char *min, const char *max)
{
    if (f->min)
        json_u64(o, min, f->min);
    if (f->max)
        json_u64(o, max, f->max);
}

static void number_bounds(struct json_out *o, const struct json_field *f)
{
    json_u64(o, "minimum", f->min);
    if (f->max)
        json_u64(o, "maximum", f->max);
}

static void names(struct json_out *o, const struct json_field *f)
{
    json_begin_array(o, "enum");
    for (uint32_t i = 0; f->names[i]; i++)
        json_str(o, NULL, f->names[i]);
    json_end_array(o);
}

static void field(struct json_out *o, const struct json_field *f, json_need_fn *need, void *arg)
{
    switch (f->type) {
    case JSON_BOOL:
        type_is(o, "boolean", false);
        break;
    case JSON_U32:
    case JSON_U64:
        type_is(o, "integer", false);
        number_bounds(o, f);
        break;
    case JSON_I64:
        type_is(o, "integer", false);
        break;
    case JSON_MS:
        type_is(o, "number", false);
        number_bounds(o, f);
        break;
    case JSON_ENUM:
        type_is(o, "string", false);
        names(o, f);
        break;
    case JSON_BASE64:
        type_is(o, "string", false);
        json_str(o, "contentEncoding", "base64");
        break;
    case JSON_CHARS:
    case JSON_STRING:
    case JSON_TEXT:
        type_is(o, "string", false);
        bounds(o, f, "minLength", "maxLength");
        break;
    case JSON_STRINGS:
        type_is(o, "array", false);
        list_of_strings(o);
        bounds(o, f, "minItems", "maxItems");
        break;
    case JSON_MAP:
        type_is(o, "object", false);
        map_of_strings(o);
        bounds(o, f, "minProperties", "maxProperties");
        break;
    case JSON_OBJECTS:
        need(arg, NULL, f->sub);
        type_is(o, "array", false);
        json_begin(o, "items");
        ref(o, f->sub->name);
        json_end(o);
        bounds(o, f, "minItems", "maxItems");
        break;
    case JSON_OBJECT:
        need(arg, NULL, f->sub);
        ref(o, f->sub->name);
        break;
    case JSON_RAW:
        break; // anything: its description says what
    }
    doc(o, f->doc);
}

void json_table_schema(struct json_out *o, const char *name, const struct json_table *table,
                       json_need_fn *need, void *arg)
{
    bool required = false;
    json_begin(o, name);
    json_str(o, "type", "object");
    json_bool(o, "additionalProperties", false);
    json_begin(o, "properties");
    for (uint32_t i = 0; i < table->n_fields; i++) {
        json_begin(o, table->fields[i].name);
        field(o, &table->fields[i], need, arg);
        json_end(o);
        required = required || table->fields[i].flags & JSON_REQUIRED;
    }
    json_end(o);
    if (required) {
        json_begin_array(o, "required");
        for (uint32_t i = 0; i < table->n_fields; i++)
            if (table->fields[i].flags & JSON_REQUIRED)
                json_str(o, NULL, table->fields[i].name);
        json_end_array(o);
    }
    json_end(o);
}
