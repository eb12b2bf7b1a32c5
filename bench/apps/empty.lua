-- An app that ends as soon as it has begun.
require("farside").Plugins.App.exitApp()
