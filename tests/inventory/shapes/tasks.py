"""The shape of a REST tutorial: HTTPBasicAuth, Flask-RESTful's resources, a parser. None of these is installed here."""

from flask import Flask, make_response, jsonify, abort
from flask_httpauth import HTTPBasicAuth
from flask_restful import Api, Resource, reqparse

app = Flask(__name__)
api = Api(app)
auth = HTTPBasicAuth()

tasks = [{"id": 1, "title": "Buy groceries", "done": False}]


@auth.get_password
def get_password(username):
    return "python" if username == "miguel" else None


@auth.error_handler
def unauthorized():
    return make_response(jsonify({"message": "Unauthorized access"}), 403)


class TaskListAPI(Resource):
    decorators = [auth.login_required]

    def __init__(self):
        self.reqparse = reqparse.RequestParser()
        self.reqparse.add_argument("title", type=str, required=True, help="No task title provided", location="json")
        self.reqparse.add_argument("description", type=str, default="", location="json")
        super().__init__()

    def get(self):
        return {"tasks": tasks}

    def post(self):
        args = self.reqparse.parse_args()
        task = {"id": tasks[-1]["id"] + 1, "title": args["title"], "done": False}
        tasks.append(task)
        return {"task": task}, 201


class TaskAPI(Resource):
    decorators = [auth.login_required]

    def get(self, id):
        """One task."""
        task = [task for task in tasks if task["id"] == id]
        if len(task) == 0:
            abort(404)
        return {"task": task[0]}

    def delete(self, id):
        tasks.remove(self.get(id)["task"])
        return {"result": True}


api.add_resource(TaskListAPI, "/todo/api/v1.0/tasks", endpoint="tasks")
api.add_resource(TaskAPI, "/todo/api/v1.0/tasks/<int:id>", endpoint="task")

if __name__ == "__main__":
    app.run(debug=True)
