// farside new: a folder with an app that works, a plan and specs, to begin
// from.

#include "command.h"
#include "embedded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What the template is called in itself.
static const char placeholder[] = "my_app";

enum { NAME_BYTES_MAX = 64, PATH_BYTES_MAX = 4096 };

// A name of a file, of a Lua module and in prose.
static bool is_name(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char all[] = "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  size_t length = strlen(name);
  return length > 0 && length <= NAME_BYTES_MAX &&
         strchr(letters, name[0]) != NULL && strspn(name, all) == length;
}

// Names that the folder has for something else.
static bool is_taken(const char *name) {
  return strcmp(name, "farside") == 0 || strcmp(name, "plan") == 0 ||
         strcmp(name, "spec") == 0;
}

static int refuse(const char *what, const char *path, const char *why) {
  fprintf(stderr, "farside new: %s %s: %s\n", what, path, why);
  return EXIT_USAGE;
}

// Writes text with the name in place of the placeholder.
static bool put_named(FILE *file, const char *text, const char *name) {
  const char *found;
  for (; (found = strstr(text, placeholder)) != NULL;
       text = found + sizeof placeholder - 1)
    if (fwrite(text, 1, (size_t)(found - text), file) !=
            (size_t)(found - text) ||
        fputs(name, file) == EOF)
      return false;
  return fputs(text, file) != EOF;
}

// "spec/my_app_spec.lua" --> "DIR/spec/notes_spec.lua"
static bool name_path(char *path, const char *dir, const char *folder,
                      const char *from, const char *name) {
  const char *found = strstr(from, placeholder);
  size_t before = found ? (size_t)(found - from) : strlen(from);
  int length = snprintf(path, PATH_BYTES_MAX, "%s/%s%.*s%s%s", dir, folder,
                        (int)before, from, found ? name : "",
                        found ? found + sizeof placeholder - 1 : "");
  return length > 0 && length < PATH_BYTES_MAX;
}

static bool make_folders(char *path, size_t from) {
  for (char *slash = path + from; (slash = strchr(slash, '/')) != NULL;
       slash++) {
    *slash = '\0';
    bool is_there = mkdir(path, 0777) == 0 || errno == EEXIST;
    *slash = '/';
    if (!is_there)
      return false;
  }
  return true;
}

static bool put_file(const far_embedded *from, const char *dir,
                     const char *folder, const char *name, char *path) {
  if (!name_path(path, dir, folder, from->path, name) ||
      !make_folders(path, strlen(dir) + 1))
    return false;
  FILE *file = fopen(path, "wx");
  if (file == NULL)
    return false;
  bool is_written = put_named(file, from->text, name);
  return fclose(file) == 0 && is_written;
}

// Leaves the path of the file that cannot be written.
static bool put_files(const far_embedded *files, const char *dir,
                      const char *folder, const char *name, char *path) {
  for (; files->path != NULL; files++)
    if (!put_file(files, dir, folder, name, path))
      return false;
  return true;
}

static void put_advice(const char *name, const char *dir, bool is_typescript) {
  printf("%s is there. Try:\n"
         "\n"
         "  cd %s\n",
         dir, dir);
  if (is_typescript)
    printf("  npm install\n"
           "  npm run build\n");
  if (is_typescript) // What is beside the script is made anew.
    printf("  farside simulate build/%s.lua --plan plan.lua\n", name);
  else
    printf("  farside simulate %s.lua\n", name);
  printf("  busted\n");
}

static int new_app(const command_line *line) {
  const char *name = line->scripts[0];
  const char *dir = line->dir ? line->dir : name;
  char path[PATH_BYTES_MAX];
  struct stat about;
  if (line->argc > 0)
    return refuse("there is one name too many,", line->argv[0],
                  "a name has no spaces");
  if (!is_name(name))
    return refuse("the name", name,
                  "it must begin with a letter, and have letters, digits and "
                  "_ only, up to 64");
  if (is_taken(name))
    return refuse("the name", name, "another file of the folder has it");
  if (lstat(dir, &about) == 0)
    return refuse("the folder", dir, "there is something already");
  if (mkdir(dir, 0777) != 0)
    return refuse("cannot make the folder", dir, strerror(errno));
  bool is_put =
      line->is_typescript
          ? put_files(far_template_typescript, dir, "", name, path) &&
                put_files(far_typescript, dir, "farside-core/", name, path)
          : put_files(far_template, dir, "", name, path);
  if (!is_put)
    return refuse("cannot write", path, strerror(errno));
  put_advice(name, dir, line->is_typescript);
  return EXIT_FINE;
}

const far_command new_command = {
    .name = "new",
    .usage = "new NAME [--typescript] [--dir FOLDER]",
    .what = "make a folder with an app, a plan and specs, to begin from",
    .help = "Makes a folder that is ready to simulate and to test:\n"
            "\n"
            "  NAME.lua              an app that saves when it is left\n"
            "  farside.lua           its manifest: what it asks for\n"
            "  NAME.plan.lua         what the user does, and what is expected\n"
            "  spec/NAME_spec.lua    the same for busted\n"
            "  README.md             the commands\n"
            "\n"
            "  --typescript      the app in TypeScript, for TypeScriptToLua: "
            "src/NAME.ts,\n"
            "                    with what npm has to know; its plan is "
            "plan.lua\n"
            "  --dir FOLDER      another folder than NAME; it must not exist\n"
            "\n"
            "Exits with 0 when it is there, 2 when nothing could be made.\n",
    .options = " --dir --typescript ",
    .wants = "name",
    .run = new_app};
