// Source maps: which line of which file a line of generated Lua was made from.
//
// Who writes TypeScript does not know what stands in line 40 of app.lua. Its
// compiler does, and writes it to app.lua.map beside it (version 3 of the
// source map format). With that, whatever is told of a place in app.lua, in
// tracebacks and timelines, is told of the file that somebody wrote. A line
// that the map does not know keeps its name in Lua: it is the compiler's own.
#ifndef FAR_SOURCE_MAP_H
#define FAR_SOURCE_MAP_H

#include "memory.h"

typedef struct far_source_map far_source_map;

// Where a line comes from. Without a file it is not known.
typedef struct far_origin_line {
  const char *file;
  unsigned line;
} far_origin_line;

// Reads CHUNK.map. NULL where there is none, or none of use: a map helps, and
// its absence must not be in anybody's way.
far_source_map *far_source_map_read(far_memory *memory, const char *chunk);

// How much memory it takes.
size_t far_source_map_bytes(const far_source_map *map);

// Puts a map into a list, which is NULL at first.
void far_source_map_add(far_source_map **maps, far_source_map *map);

const far_source_map *far_source_map_next(const far_source_map *map);

// Frees a list. Safe on NULL.
void far_source_map_free(far_source_map *maps);

// Looks a line up in a list of maps.
far_origin_line far_source_map_find(const far_source_map *maps,
                                    const char *chunk, int line);

// Copies a text with each place that the maps know ("build/app.lua:40") told as
// what was written ("src/app.ts:12"). As snprintf(): returns the length of the
// whole, and writes no more than `bytes` of it.
size_t far_source_map_rewrite(const far_source_map *maps, const char *text,
                              char *to, size_t bytes);

#endif
