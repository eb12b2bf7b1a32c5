// An intrusive list: a ring through the things it holds, with the list itself
// as the one place that is no thing. Leaving costs nothing, and is safe twice.
#ifndef FAR_LIST_H
#define FAR_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct far_list {
  struct far_list *previous, *next;
} far_list;

// The thing of type `type` whose member `member` is this link.
#define far_list_item(link, type, member)                                      \
  ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void far_list_init(far_list *list) {
  list->previous = list->next = list;
}

static inline bool far_list_is_empty(const far_list *list) {
  return list->next == list;
}

static inline void far_list_append(far_list *list, far_list *link) {
  link->previous = list->previous;
  link->next = list;
  list->previous->next = link;
  list->previous = link;
}

static inline void far_list_leave(far_list *link) {
  if (link->next == NULL)
    return;
  link->previous->next = link->next;
  link->next->previous = link->previous;
  link->previous = link->next = NULL;
}

static inline bool far_list_is_in(const far_list *link) {
  return link->next != NULL;
}

#endif
