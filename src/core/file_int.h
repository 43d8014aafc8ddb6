// SPDX-License-Identifier: Apache-2.0
// A running call of pinfold-tool.
#pragma once
#include "exec_int.h"

#include <pinfold/core_file.h>

#define FILE_TEXT_MAX 400
#define FILE_OUT_MAX (16 * 1024 * 1024) // of records; a list is asked for in pages

enum file_answer { ANSWER_ENTRY, ANSWER_ENTRIES, ANSWER_PROCESSES, ANSWER_END, ANSWER_STREAM };
struct file_job {
    struct core *core;
    struct ws *ws;
    struct list of_ws;
    struct proc proc;
    struct packed args;
    enum file_answer answer;
    struct file_request *request; // NULL: it left
    struct file_reader *reader;   // likewise
    struct list waiters;          // the request's
    struct buf out, text;
    bool wants_entry; // a stream that begins with a record
    struct err err;
    void *array; // entries or processes, pointing into out
};
// Keep what an answer's pointers point to beyond on_done: both are the caller's then.
void file_answer_take(struct file_request *f, struct buf *ret_bytes, void **ret_array);
