"""``/docs``: Swagger UI from a package that carries its files, so that it works without the open internet."""

from importlib import resources

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_FILES = "/docs/files"


def add_docs(app: FastAPI) -> None:
    """Serve the page and its files."""
    with resources.as_file(resources.files("fastapi_offline") / "static") as folder:
        app.mount(_FILES, StaticFiles(directory=folder), name="docs-files")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        """Return the page; its files come from here too."""
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}{_FILES}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_FILES}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_FILES}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None, "displayRequestDuration": True},  # no call to a validator
        )
